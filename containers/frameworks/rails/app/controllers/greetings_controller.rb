class GreetingsController < ApplicationController
  def health
    render plain: "OK"
  end

  def plaintext
    render plain: "Hello, World!"
  end

  def json
    render json: { message: "Hello, World!" }
  end
end
