require "uri"

# What containers/CONTRACT.md lets the environment decide.
Settings = Data.define(:host, :port, :workers, :pool_size, :threads, :database_url, :upstream_url) do
  class << self
    def from_environment(env = ENV)
      pool_size = number(env, "DB_POOL_SIZE", 32, 1..1000)
      new(
        host: present(env, "HOST") || "0.0.0.0",
        port: number(env, "PORT", 8080, 1..65_535),
        workers: number(env, "WORKERS", 1, 1..1024),
        pool_size:,
        # Every thread of a process may hold a connection, so that there are never more threads than connections.
        threads: [number(env, "RAILS_MAX_THREADS", 3, 1..1000), pool_size].min,
        database_url: url(env, "DATABASE_URL", %w[postgres postgresql]),
        upstream_url: url(env, "UPSTREAM_URL", %w[http])
      )
    end

    private

    def present(env, name)
      value = env[name]
      value unless value.nil? || value.empty?
    end

    def number(env, name, fallback, range)
      text = present(env, name) or return fallback
      value = Integer(text, 10, exception: false)
      return value if range.cover?(value)

      raise ArgumentError, "#{name} must be a number from #{range.min} to #{range.max}, not #{text.inspect}"
    end

    # The message leaves the value out: a database's holds its password.
    def url(env, name, schemes)
      text = present(env, name) or return
      uri = URI.parse(text)
      return text if schemes.include?(uri.scheme) && uri.host

      raise ArgumentError, "#{name} must begin with #{schemes.first}:// and name a host"
    rescue URI::InvalidURIError
      raise ArgumentError, "#{name} is not a URL"
    end
  end
end
