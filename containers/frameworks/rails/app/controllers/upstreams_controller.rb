class UpstreamsController < ApplicationController
  LONGEST_MS = 10_000

  rescue_from(Upstream::Unconfigured) { head :service_unavailable }
  rescue_from Upstream::Failed do |error|
    logger.error("upstream: #{error.message}")
    head :bad_gateway
  end

  def show
    ms = whole_number(:ms)
    return render_faults([ { path: "ms", code: ms ? "range" : "type" } ]) unless ms&.between?(0, LONGEST_MS)

    render json: Upstream.delay(ms)
  end
end
