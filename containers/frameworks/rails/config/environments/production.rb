require "active_support/core_ext/numeric/bytes"

Rails.application.configure do
  config.enable_reloading = false
  config.eager_load = true
  config.consider_all_requests_local = false

  # Nothing is written for a request that succeeded; faults go to stderr.
  config.log_level = :warn
  config.logger = ActiveSupport::TaggedLogging.logger($stderr)

  # In the process, as the contract asks of /cached-queries, and bounded; 10,000 rows take a few megabytes of it.
  config.cache_store = :memory_store, { size: 64.megabytes }

  # Nothing is signed or encrypted here, but Rails asks for a secret; one a start is enough.
  config.secret_key_base = ENV["SECRET_KEY_BASE"].presence || SecureRandom.hex(64)

  config.i18n.fallbacks = true
  config.active_support.report_deprecations = false
end
