class ApplicationController < ActionController::API
  private

  def render_faults(faults)
    render json: { errors: faults }, status: :unprocessable_content
  end

  # A whole number from the query string: nil where it is none.
  def whole_number(name)
    text = params[name].to_s
    text.to_i if text.match?(/\A-?\d+\z/)
  end
end
