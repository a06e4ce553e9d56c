Rails.application.routes.draw do
  get "/health", to: "greetings#health"
  get "/plaintext", to: "greetings#plaintext"
  get "/json", to: "greetings#json"

  get "/db", to: "worlds#show"
  get "/queries", to: "worlds#index"
  get "/updates", to: "worlds#update"
  get "/cached-queries", to: "worlds#cached"
  get "/fortunes", to: "fortunes#index"

  resources :orders, only: %i[index show create update destroy], constraints: { id: /\d+/ }

  get "/cpu", to: "primes#show"
  get "/upstream", to: "upstreams#show"
end
