using Microsoft.AspNetCore.Http.HttpResults;
using Reference.Core.Hosting;
using Reference.Core.Orders;

namespace Reference.MinimalApi.Endpoints;

/// <summary>The orders resource.</summary>
internal static class OrderEndpoints
{
    public static void MapOrders(this IEndpointRouteBuilder routes)
    {
        var orders = routes.MapGroup("/orders").WithMetadata(new NeedsAttribute(NeedsAttribute.Database));
        orders.MapPost("", AddAsync);
        orders.MapGet("", ListAsync);
        orders.MapGet("/{id:int}", FindAsync);
        orders.MapPut("/{id:int}", ReplaceAsync);
        orders.MapDelete("/{id:int}", RemoveAsync);
    }

    private static async Task<Created<OrderResponse>> AddAsync(OrderRequest request, IOrderStore store, CancellationToken stop)
    {
        var order = await store.AddAsync(request.ToOrder(), stop);
        return TypedResults.Created($"/orders/{order.Id}", order);
    }

    private static async Task<OrderListResponse> ListAsync(
        [AsParameters] OrderListQuery query, IOrderStore store, CancellationToken stop) =>
        new(await store.ListAsync(query.CustomerNumber, query.LimitOrDefault, stop));

    private static async Task<Results<Ok<OrderResponse>, NotFound>> FindAsync(int id, IOrderStore store, CancellationToken stop) =>
        await store.FindAsync(id, stop) is { } order ? TypedResults.Ok(order) : TypedResults.NotFound();

    private static async Task<Results<Ok<OrderResponse>, NotFound>> ReplaceAsync(
        int id, OrderRequest request, IOrderStore store, CancellationToken stop) =>
        await store.ReplaceAsync(id, request.ToOrder(), stop) is { } order ? TypedResults.Ok(order) : TypedResults.NotFound();

    private static async Task<Results<NoContent, NotFound>> RemoveAsync(int id, IOrderStore store, CancellationToken stop) =>
        await store.RemoveAsync(id, stop) ? TypedResults.NoContent() : TypedResults.NotFound();
}
