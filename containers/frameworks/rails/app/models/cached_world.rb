class CachedWorld < ApplicationRecord
  self.table_name = "cachedworld"

  def self.cached(id)
    Rails.cache.fetch("cachedworld/#{id}") { find(id).as_json }
  end

  def as_json(*)
    { id:, randomNumber: randomnumber }
  end
end
