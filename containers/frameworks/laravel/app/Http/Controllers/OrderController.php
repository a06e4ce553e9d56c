<?php

namespace App\Http\Controllers;

use App\Http\Requests\ListOrdersRequest;
use App\Http\Requests\OrderRequest;
use App\Http\Resources\OrderResource;
use App\Models\Order;
use App\Services\OrderService;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Response;

class OrderController extends Controller
{
    public function __construct(private readonly OrderService $orders) {}

    public function index(ListOrdersRequest $request): JsonResponse
    {
        $orders = Order::with('lines')
            ->where('customer', $request->customer())
            ->latest('id')
            ->limit($request->limit())
            ->get();

        return response()->json(['orders' => OrderResource::collection($orders)]);
    }

    public function store(OrderRequest $request): JsonResponse
    {
        $order = $this->orders->place($request->validated());

        return (new OrderResource($order))
            ->response()
            ->header('Location', route('orders.show', $order, absolute: false));
    }

    public function show(Order $order): OrderResource
    {
        return new OrderResource($order->load('lines'));
    }

    public function update(OrderRequest $request, Order $order): OrderResource
    {
        return new OrderResource($this->orders->replace($order, $request->validated()));
    }

    public function destroy(Order $order): Response
    {
        $order->delete();

        return response()->noContent();
    }
}
