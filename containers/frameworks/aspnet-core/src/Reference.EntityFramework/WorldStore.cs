using Microsoft.EntityFrameworkCore;
using Reference.Core.Worlds;

namespace Reference.EntityFramework;

internal sealed class WorldStore(AppDbContext db) : IWorldStore
{
    private static readonly Func<AppDbContext, int, CancellationToken, Task<World>> ById = EF.CompileAsyncQuery(
        (AppDbContext db, int id, CancellationToken stop) => db.Worlds.AsNoTracking().First(world => world.Id == id));

    private static readonly Func<AppDbContext, int, CancellationToken, Task<World>> TrackedById = EF.CompileAsyncQuery(
        (AppDbContext db, int id, CancellationToken stop) => db.Worlds.First(world => world.Id == id));

    private static readonly Func<AppDbContext, int, CancellationToken, Task<CachedWorld>> CachedById = EF.CompileAsyncQuery(
        (AppDbContext db, int id, CancellationToken stop) => db.CachedWorlds.AsNoTracking().First(world => world.Id == id));

    private static readonly Func<AppDbContext, IAsyncEnumerable<Fortune>> AllFortunes = EF.CompileAsyncQuery(
        (AppDbContext db) => db.Fortunes.AsNoTracking());

    public Task<World> FindAsync(int id, CancellationToken stop) => ById(db, id, stop);

    public async Task<World[]> FindEachAsync(int[] ids, CancellationToken stop)
    {
        // One connection for all statements; by itself each would take one from the pool and give it back.
        await db.Database.OpenConnectionAsync(stop);
        try
        {
            var worlds = new World[ids.Length];
            for (var i = 0; i < ids.Length; i++)
            {
                worlds[i] = await ById(db, ids[i], stop);
            }

            return worlds;
        }
        finally
        {
            await db.Database.CloseConnectionAsync();
        }
    }

    public async Task<World[]> UpdateEachAsync(int[] ids, CancellationToken stop)
    {
        await db.Database.OpenConnectionAsync(stop);
        try
        {
            var worlds = new World[ids.Length];
            for (var i = 0; i < ids.Length; i++)
            {
                worlds[i] = await TrackedById(db, ids[i], stop);
                worlds[i].RandomNumber = RandomRows.Number();
            }

            // One batch in one transaction, which Entity Framework sorts by the rows' keys.
            await db.SaveChangesAsync(stop);
            return worlds;
        }
        finally
        {
            await db.Database.CloseConnectionAsync();
        }
    }

    public Task<CachedWorld> FindCachedAsync(int id, CancellationToken stop) => CachedById(db, id, stop);

    public async Task<List<Fortune>> FortunesAsync(CancellationToken stop) => await AllFortunes(db).ToListAsync(stop);
}
