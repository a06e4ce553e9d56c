class FortunesController < ActionController::Base
  include NeedsDatabase

  def index
    @fortunes = Fortune.all.to_a
    @fortunes << Fortune.new(id: 0, message: "Additional fortune added at request time.")
    @fortunes.sort_by!(&:message)
  end
end
