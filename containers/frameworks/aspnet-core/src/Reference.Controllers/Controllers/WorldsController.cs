using Microsoft.AspNetCore.Mvc;
using Reference.Core.Hosting;
using Reference.Core.Worlds;

namespace Reference.Controllers.Controllers;

/// <summary>The routes on TechEmpower's tables that answer with JSON.</summary>
[ApiController]
[Needs(NeedsAttribute.Database)]
public sealed class WorldsController(IWorldStore store, CachedWorlds cached) : ControllerBase
{
    [HttpGet("/db")]
    public Task<World> Find(CancellationToken stop) => store.FindAsync(RandomRows.Id(), stop);

    [HttpGet("/queries")]
    public Task<World[]> FindEach([FromQuery] RowCount? queries, CancellationToken stop) =>
        store.FindEachAsync(RandomRows.Ids(RowCount.Of(queries)), stop);

    [HttpGet("/updates")]
    public Task<World[]> UpdateEach([FromQuery] RowCount? queries, CancellationToken stop) =>
        store.UpdateEachAsync(RandomRows.DistinctIds(RowCount.Of(queries)), stop);

    [HttpGet("/cached-queries")]
    public Task<CachedWorld[]> FindEachCached([FromQuery] RowCount? count, CancellationToken stop) =>
        cached.FindEachAsync(RandomRows.Ids(RowCount.Of(count)), stop);
}
