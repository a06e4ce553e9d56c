using Microsoft.EntityFrameworkCore;
using Reference.Core.Worlds;

namespace Reference.EntityFramework;

internal sealed class WorldStore(AppDbContext db) : IWorldStore
{
    public Task<World> FindAsync(int id, CancellationToken stop) =>
        db.Worlds.AsNoTracking().FirstAsync(world => world.Id == id, stop);

    public async Task<World[]> FindEachAsync(int[] ids, CancellationToken stop)
    {
        var worlds = new World[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            worlds[i] = await FindAsync(ids[i], stop);
        }

        return worlds;
    }

    public async Task<World[]> UpdateEachAsync(int[] ids, CancellationToken stop)
    {
        var worlds = new World[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            var id = ids[i];
            worlds[i] = await db.Worlds.FirstAsync(world => world.Id == id, stop);
            worlds[i].RandomNumber = RandomRows.Number();
        }

        // One batch in one transaction, which Entity Framework sorts by the rows' keys.
        await db.SaveChangesAsync(stop);
        return worlds;
    }

    public Task<CachedWorld> FindCachedAsync(int id, CancellationToken stop) =>
        db.CachedWorlds.AsNoTracking().FirstAsync(world => world.Id == id, stop);

    public Task<List<Fortune>> FortunesAsync(CancellationToken stop) =>
        db.Fortunes.AsNoTracking().ToListAsync(stop);
}
