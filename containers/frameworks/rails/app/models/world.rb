class World < ApplicationRecord
  self.table_name = "world"

  IDS = 1..10_000

  class << self
    def random_id
      rand(IDS)
    end

    def random_number
      rand(1..10_000)
    end

    # Different ids, in rising order: rows are locked in one order, so that no two requests wait for each other.
    def random_ids(count)
      ids = Set.new
      ids << random_id while ids.size < count
      ids.sort
    end
  end

  def as_json(*)
    { id:, randomNumber: randomnumber }
  end
end
