# A line of an order as a client sends it.
class OrderLineForm < ContractForm
  SKU = /\A[A-Z0-9-]{3,32}\z/

  attr_accessor :sku
  attr_writer :quantity, :price

  def self.fields = %w[sku quantity price]

  validates :sku, :quantity, :price, exclusion: { in: [ nil ] }
  validates :sku, format: { with: SKU }, if: -> { sku.is_a?(String) }
  validate { errors.add(:sku, :wrong_type) unless sku.nil? || sku.is_a?(String) }
  validates :quantity, numericality: { only_integer: true, in: 1..1_000 }, allow_nil: true
  validates :price, numericality: { only_integer: true, in: 1..10_000_000 }, allow_nil: true

  def quantity = whole(@quantity)

  def price = whole(@price)
end
