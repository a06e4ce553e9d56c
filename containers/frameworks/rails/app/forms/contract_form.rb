# What a client sends, validated: the faults are named as the contract has them.
class ContractForm
  include ActiveModel::Model

  # From the names that Rails gives its errors to those of the contract.
  CODES = {
    exclusion: "required",
    not_a_number: "type",
    not_an_integer: "type",
    wrong_type: "type",
    in: "range",
    invalid: "format",
    size: "size",
    unknown: "unknown"
  }.freeze

  validate { unknown.each { |name| errors.add(:base, :unknown, path: name) } }

  # Takes the fields that there are and remembers the names of all others.
  def initialize(fields)
    known, others = fields.partition { |name, _| self.class.fields.include?(name) }
    @unknown = others.map(&:first)
    super(known.to_h)
  end

  class << self
    def fields
      raise NotImplementedError
    end
  end

  # `{path, code}` of each fault, one for each path.
  def faults(prefix = "")
    errors.map { |error| { path: "#{prefix}#{error.options[:path] || error.attribute}", code: CODES.fetch(error.type) } }
  end

  private

  attr_reader :unknown

  # A text that reads as a whole number counts as one.
  def whole(value) = value.is_a?(String) && value.match?(/\A-?\d+\z/) ? value.to_i : value
end
