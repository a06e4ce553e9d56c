require_relative "settings"

begin
  settings = Settings.from_environment
rescue ArgumentError => error
  abort "configuration: #{error.message}"
end

environment "production"
bind "tcp://#{settings.host}:#{settings.port}"
threads settings.threads, settings.threads
# One process needs no other to watch it: Puma's single mode.
workers settings.workers > 1 ? settings.workers : 0
preload_app! if settings.workers > 1

# Connections end when the client says so: Puma would close each after 999 requests.
max_keep_alive Float::INFINITY

# A margin below the contract's five seconds.
force_shutdown_after 4
worker_shutdown_timeout 4
raise_exception_on_sigterm false
