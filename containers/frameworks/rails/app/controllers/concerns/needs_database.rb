# Without DATABASE_URL the routes that need a database say so, and the others work.
module NeedsDatabase
  extend ActiveSupport::Concern

  included do
    before_action do
      head :service_unavailable unless Rails.configuration.x.settings.database_url
    end
  end
end
