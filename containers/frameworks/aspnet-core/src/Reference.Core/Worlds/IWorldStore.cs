namespace Reference.Core.Worlds;

/// <summary>TechEmpower's tables.</summary>
public interface IWorldStore
{
    Task<World> FindAsync(int id, CancellationToken stop);

    /// <summary>Reads rows, each by a statement of its own.</summary>
    Task<World[]> FindEachAsync(int[] ids, CancellationToken stop);

    /// <summary>Reads rows, each by a statement of its own, and stores a new random number in each of them.</summary>
    /// <param name="ids">Different ones in ascending order: two requests that lock rows in different orders deadlock.</param>
    Task<World[]> UpdateEachAsync(int[] ids, CancellationToken stop);

    Task<CachedWorld> FindCachedAsync(int id, CancellationToken stop);

    Task<List<Fortune>> FortunesAsync(CancellationToken stop);
}
