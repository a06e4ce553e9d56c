using Dapper;
using Npgsql;
using Reference.Core.Worlds;

namespace Reference.MinimalApi.Dapper;

internal sealed class WorldStore(NpgsqlDataSource database) : IWorldStore
{
    private const string ById = "SELECT id, randomnumber FROM world WHERE id = @id";

    public async Task<World> FindAsync(int id, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        return await FindAsync(connection, id, stop);
    }

    public async Task<World[]> FindEachAsync(int[] ids, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        return await FindEachAsync(connection, ids, stop);
    }

    public async Task<World[]> UpdateEachAsync(int[] ids, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        var worlds = await FindEachAsync(connection, ids, stop);
        // Dapper sends a statement at a time; the driver's batch sends all in one go and in one transaction.
        await using var batch = new NpgsqlBatch(connection);
        foreach (var world in worlds)
        {
            world.RandomNumber = RandomRows.Number();
            batch.BatchCommands.Add(new NpgsqlBatchCommand("UPDATE world SET randomnumber = $1 WHERE id = $2")
            {
                Parameters =
                {
                    new NpgsqlParameter<int> { TypedValue = world.RandomNumber },
                    new NpgsqlParameter<int> { TypedValue = world.Id },
                },
            });
        }

        await batch.ExecuteNonQueryAsync(stop);
        return worlds;
    }

    public async Task<CachedWorld> FindCachedAsync(int id, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        return await connection.QuerySingleAsync<CachedWorld>(
            new CommandDefinition("SELECT id, randomnumber FROM cachedworld WHERE id = @id", new { id }, cancellationToken: stop));
    }

    public async Task<List<Fortune>> FortunesAsync(CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        var fortunes = await connection.QueryAsync<Fortune>(
            new CommandDefinition("SELECT id, message FROM fortune", cancellationToken: stop));
        return fortunes.AsList();
    }

    private static Task<World> FindAsync(NpgsqlConnection connection, int id, CancellationToken stop) =>
        connection.QuerySingleAsync<World>(new CommandDefinition(ById, new { id }, cancellationToken: stop));

    private static async Task<World[]> FindEachAsync(NpgsqlConnection connection, int[] ids, CancellationToken stop)
    {
        var worlds = new World[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            worlds[i] = await FindAsync(connection, ids[i], stop);
        }

        return worlds;
    }
}
