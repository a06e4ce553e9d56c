# An order as a client sends it.
class OrderForm < ContractForm
  CUSTOMERS = 1..2_147_483_647
  LINES = 1..50

  attr_writer :customer, :lines

  def self.fields = %w[customer lines]

  # A body that is no object has no fields to speak of: Rails puts it below `_json`.
  def self.of(body)
    body.key?("_json") ? NoObject.new : new(body)
  end

  validates :customer, exclusion: { in: [ nil ] }
  validates :customer, numericality: { only_integer: true, in: CUSTOMERS }, allow_nil: true
  validate :lines_are_a_list

  def customer = whole(@customer)

  def total = lines.sum { |line| line.quantity * line.price }

  def lines
    return @lines unless @lines.is_a?(Array)

    @forms ||= @lines.map { |line| line.is_a?(Hash) ? OrderLineForm.new(line) : nil }
  end

  def faults
    super() + (listed? ? line_faults : [])
  end

  def invalid?
    own = super
    own || (listed? && line_faults.any?)
  end

  private

  def listed? = lines.is_a?(Array) && LINES.cover?(lines.size)

  def lines_are_a_list
    if lines.nil?
      errors.add(:lines, :exclusion)
    elsif !lines.is_a?(Array)
      errors.add(:lines, :wrong_type)
    elsif !listed?
      errors.add(:lines, :size)
    end
  end

  def line_faults
    lines.each_with_index.flat_map do |line, position|
      next [ { path: "lines.#{position}", code: "type" } ] if line.nil?

      line.invalid? ? line.faults("lines.#{position}.") : []
    end
  end

  # A body that is not an object.
  class NoObject
    def invalid? = true

    def faults = [ { path: "", code: "type" } ]
  end
end
