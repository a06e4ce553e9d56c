require "net/http"

# The service that `/upstream` asks, over connections that stay open: one for each thread.
class Upstream
  class Unconfigured < StandardError; end
  class Failed < StandardError; end

  PATIENCE_S = 15
  IDLE_S = 30

  class << self
    def delay(ms)
      response = connections.with { |http| http.get("/delay?ms=#{ms}") }
      raise Failed, "status #{response.code}" unless response.is_a?(Net::HTTPOK)

      JSON.parse(response.body)
    rescue SystemCallError, SocketError, IOError, Timeout::Error, Net::ProtocolError, JSON::ParserError => error
      raise Failed, error.message
    end

    private

    # Made when first needed, in the process that serves: sockets are not shared with a parent.
    def connections
      @connections ||= begin
        settings = Rails.configuration.x.settings
        raise Unconfigured unless settings.upstream_url

        uri = URI.parse(settings.upstream_url)
        ConnectionPool.new(size: settings.threads, timeout: PATIENCE_S) { connect(uri) }
      end
    end

    def connect(uri)
      http = Net::HTTP.new(uri.host, uri.port)
      http.open_timeout = http.read_timeout = PATIENCE_S
      http.keep_alive_timeout = IDLE_S
      http.start
    end
  end
end
