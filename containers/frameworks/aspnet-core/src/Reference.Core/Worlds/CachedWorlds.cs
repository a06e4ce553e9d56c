using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection;

namespace Reference.Core.Worlds;

/// <summary>Rows of <c>cachedworld</c>, each read once and then kept in the process.</summary>
public sealed class CachedWorlds(IMemoryCache cache, IWorldStore store)
{
    public async Task<CachedWorld[]> FindEachAsync(int[] ids, CancellationToken stop)
    {
        var worlds = new CachedWorld[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            var id = ids[i];
            worlds[i] = (await cache.GetOrCreateAsync(id, entry =>
            {
                entry.Size = 1;
                return store.FindCachedAsync(id, stop);
            }))!;
        }

        return worlds;
    }
}

public static class CachedWorldsExtensions
{
    public static void AddCachedWorlds(this IServiceCollection services)
    {
        // Twice the rows: requests that miss the same row at the same time may count it more than once for a moment.
        services.AddMemoryCache(options => options.SizeLimit = 2 * RandomRows.Rows);
        services.AddScoped<CachedWorlds>();
    }
}
