# What is asked of a list of orders.
class OrderSearch < ContractForm
  DEFAULT_LIMIT = 20

  attr_writer :customer, :limit

  def self.fields = %w[customer limit]

  validates :customer, exclusion: { in: [ nil ] }
  validates :customer, numericality: { only_integer: true, in: OrderForm::CUSTOMERS }, allow_nil: true
  validates :limit, numericality: { only_integer: true, in: 1..100 }

  def customer = whole(@customer.presence)

  def limit = whole(@limit.presence || DEFAULT_LIMIT)
end
