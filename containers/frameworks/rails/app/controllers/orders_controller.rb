class OrdersController < ApplicationController
  include NeedsDatabase

  # The body is the order itself, without a key around it.
  wrap_parameters false

  before_action :require_json, only: %i[create update]

  def index
    form = OrderSearch.new(request.query_parameters.slice("customer", "limit"))
    return render_faults(form.faults) if form.invalid?

    orders = Order.where(customer: form.customer).order(id: :desc).limit(form.limit).includes(:lines)
    render json: { orders: }
  end

  def show
    order = Order.includes(:lines).find_by(id: params[:id])
    order ? render(json: order) : head(:not_found)
  end

  def create
    form = OrderForm.of(request.request_parameters)
    return render_faults(form.faults) if form.invalid?

    order = Order.place(form)
    render json: order, status: :created, location: order_path(order)
  end

  def update
    form = OrderForm.of(request.request_parameters)
    return render_faults(form.faults) if form.invalid?

    order = Order.replace(params[:id], form)
    order ? render(json: order) : head(:not_found)
  end

  def destroy
    # The lines go with it, by the foreign key.
    deleted = Order.where(id: params[:id]).delete_all
    head deleted.zero? ? :not_found : :no_content
  end

  private

  # Rails takes an empty body for an empty object.
  def require_json
    head :bad_request if request.raw_post.blank?
  end
end
