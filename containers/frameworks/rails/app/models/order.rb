class Order < ApplicationRecord
  has_many :lines, -> { order(:position) }, class_name: "OrderLine", inverse_of: :order

  class << self
    # Stores an order with its lines.
    def place(form)
      transaction do
        order = create!(customer: form.customer, total: form.total)
        order.store_lines(form)
        order
      end
    end

    # Puts a customer and lines in place of an order's; nil where there is none.
    def replace(id, form)
      transaction do
        order = lock.find_by(id:) or return
        order.update!(customer: form.customer, total: form.total)
        OrderLine.where(order_id: order.id).delete_all
        order.store_lines(form)
        order
      end
    end
  end

  # All lines by one statement. What was stored is known, and is not read again.
  def store_lines(form)
    rows = form.lines.each_with_index.map do |line, position|
      { order_id: id, position:, sku: line.sku, quantity: line.quantity, price: line.price }
    end
    OrderLine.insert_all!(rows, returning: false)
    association(:lines).target = rows.map { |row| OrderLine.new(row) }
  end

  def as_json(*)
    { id:, customer:, total:, created: created_at.utc.iso8601(3), lines: lines.map(&:as_json) }
  end
end
