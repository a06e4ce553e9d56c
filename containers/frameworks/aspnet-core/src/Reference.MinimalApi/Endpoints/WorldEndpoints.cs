using Reference.Core.Hosting;
using Reference.Core.Worlds;

namespace Reference.MinimalApi.Endpoints;

/// <summary>The routes on TechEmpower's tables.</summary>
internal static class WorldEndpoints
{
    public static void MapWorlds(this IEndpointRouteBuilder routes)
    {
        var worlds = routes.MapGroup("").WithMetadata(new NeedsAttribute(NeedsAttribute.Database));

        worlds.MapGet("/db", (IWorldStore store, CancellationToken stop) =>
            store.FindAsync(RandomRows.Id(), stop));

        worlds.MapGet("/queries", (RowCount? queries, IWorldStore store, CancellationToken stop) =>
            store.FindEachAsync(RandomRows.Ids(RowCount.Of(queries)), stop));

        worlds.MapGet("/updates", (RowCount? queries, IWorldStore store, CancellationToken stop) =>
            store.UpdateEachAsync(RandomRows.DistinctIds(RowCount.Of(queries)), stop));

        worlds.MapGet("/cached-queries", (RowCount? count, CachedWorlds cached, CancellationToken stop) =>
            cached.FindEachAsync(RandomRows.Ids(RowCount.Of(count)), stop));

        worlds.MapGet("/fortunes", async (IWorldStore store, CancellationToken stop) =>
            Slices.Fortunes.Create(Fortunes.Complete(await store.FortunesAsync(stop))));
    }
}
