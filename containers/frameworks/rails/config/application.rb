require_relative "boot"

require "rails"
# The parts of Rails that this service uses: neither mail, nor jobs, nor storage, nor Action Cable.
require "active_model/railtie"
require "active_record/railtie"
require "action_controller/railtie"
require "action_view/railtie"

Bundler.require(*Rails.groups)

require_relative "settings"
require_relative "../lib/server_headers"

module Reference
  class Application < Rails::Application
    config.load_defaults 8.1
    config.api_only = true

    # An empty or null list in JSON stays what it is: validation names it.
    config.action_dispatch.perform_deep_munge = false

    config.middleware.insert_before 0, ServerHeaders
    config.x.settings = Settings.from_environment
  end
end
