using Reference.Core;
using Reference.Core.Hosting;
using Reference.Core.Upstream;

namespace Reference.MinimalApi.Endpoints;

/// <summary>The routes without a database.</summary>
internal static class PlainEndpoints
{
    public static void MapPlain(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/plaintext", () => TypedResults.Text("Hello, World!"));

        routes.MapGet("/json", () => new HelloMessage("Hello, World!"));

        routes.MapGet("/cpu", ([AsParameters] CpuQuery query) =>
            new PrimesResponse(query.Number, Primes.CountBelow(query.Number)));

        routes.MapGet("/upstream", ([AsParameters] UpstreamQuery query, UpstreamClient upstream, CancellationToken stop) =>
                upstream.DelayAsync(query.Milliseconds, stop))
            .WithMetadata(new NeedsAttribute(NeedsAttribute.Upstream));

        routes.MapGet("/ws", WebSocketEcho.HandleAsync);
    }
}
