class OrderLine < ApplicationRecord
  belongs_to :order, inverse_of: :lines

  def as_json(*)
    { sku:, quantity:, price: }
  end
end
