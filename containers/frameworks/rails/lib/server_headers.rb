# Puma leaves `Server` and `Date` to the proxy in front of it; the contract asks for both.
class ServerHeaders
  def initialize(app)
    @app = app
  end

  def call(env)
    status, headers, body = @app.call(env)
    headers["server"] = "Puma"
    headers["date"] = Time.now.httpdate
    [status, headers, body]
  end
end
