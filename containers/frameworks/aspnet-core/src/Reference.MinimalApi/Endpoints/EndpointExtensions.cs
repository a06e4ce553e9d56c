namespace Reference.MinimalApi.Endpoints;

public static class EndpointExtensions
{
    /// <summary>What the endpoints need beside the stores.</summary>
    public static void AddEndpointServices(this IServiceCollection services) =>
        // What cannot be bound is an exception, as it is while developing, so that one handler answers it.
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);

    public static void MapEndpoints(this IEndpointRouteBuilder routes)
    {
        routes.MapPlain();
        routes.MapWorlds();
        routes.MapOrders();
    }
}
