class WorldsController < ApplicationController
  include NeedsDatabase

  MOST_ROWS = 500

  def show
    render json: World.find(World.random_id)
  end

  # Rails would answer the second read of a row from its cache of the request's queries; each is to be a query of its own.
  def index
    worlds = World.uncached { Array.new(row_count(:queries)) { World.find(World.random_id) } }
    render json: worlds
  end

  def update
    worlds = World.uncached { World.random_ids(row_count(:queries)).map { |id| World.find(id) } }
    worlds.each { |world| world.randomnumber = World.random_number }
    # One statement, in the order of the ids.
    World.upsert_all(worlds.map { |world| world.attributes }, returning: false)
    render json: worlds
  end

  def cached
    rows = Array.new(row_count(:count)) { CachedWorld.cached(World.random_id) }
    render json: rows
  end

  private

  def row_count(name)
    (whole_number(name) || 1).clamp(1, MOST_ROWS)
  end
end
