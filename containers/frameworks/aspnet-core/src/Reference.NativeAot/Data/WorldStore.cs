using Npgsql;
using Reference.Core.Worlds;
using static Reference.NativeAot.Data.NpgsqlExtensions;

namespace Reference.NativeAot.Data;

internal sealed class WorldStore(NpgsqlDataSource database) : IWorldStore
{
    private const string ById = "SELECT id, randomnumber FROM world WHERE id = $1";

    public async Task<World> FindAsync(int id, CancellationToken stop)
    {
        await using var command = database.CreateCommand(ById);
        command.Parameters.Add(Parameter(id));
        await using var reader = await command.ExecuteReaderAsync(stop);
        return await ReadOneAsync(reader, stop);
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
        // One transaction too.
        await using var batch = new NpgsqlBatch(connection);
        foreach (var world in worlds)
        {
            world.RandomNumber = RandomRows.Number();
            batch.BatchCommands.Add(new NpgsqlBatchCommand("UPDATE world SET randomnumber = $1 WHERE id = $2")
            {
                Parameters = { Parameter(world.RandomNumber), Parameter(world.Id) },
            });
        }

        await batch.ExecuteNonQueryAsync(stop);
        return worlds;
    }

    public async Task<CachedWorld> FindCachedAsync(int id, CancellationToken stop)
    {
        await using var command = database.CreateCommand("SELECT id, randomnumber FROM cachedworld WHERE id = $1");
        command.Parameters.Add(Parameter(id));
        await using var reader = await command.ExecuteReaderAsync(stop);
        return await reader.ReadAsync(stop)
            ? new CachedWorld { Id = reader.GetInt32(0), RandomNumber = reader.GetInt32(1) }
            : throw new InvalidOperationException("the table is not seeded");
    }

    public async Task<List<Fortune>> FortunesAsync(CancellationToken stop)
    {
        var fortunes = new List<Fortune>();
        await using var command = database.CreateCommand("SELECT id, message FROM fortune");
        await using var reader = await command.ExecuteReaderAsync(stop);
        while (await reader.ReadAsync(stop))
        {
            fortunes.Add(new Fortune { Id = reader.GetInt32(0), Message = reader.GetString(1) });
        }

        return fortunes;
    }

    /// <summary>
    /// N statements in one round trip: the driver sends a batch at once, and reads one result after the other. With error barriers each
    /// is a transaction of its own, as the contract has each row read by itself.
    /// </summary>
    private static async Task<World[]> FindEachAsync(NpgsqlConnection connection, int[] ids, CancellationToken stop)
    {
        await using var batch = new NpgsqlBatch(connection) { EnableErrorBarriers = true };
        foreach (var id in ids)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(ById) { Parameters = { Parameter(id) } });
        }

        var worlds = new World[ids.Length];
        await using var reader = await batch.ExecuteReaderAsync(stop);
        for (var i = 0; i < worlds.Length; i++)
        {
            worlds[i] = await ReadOneAsync(reader, stop);
            await reader.NextResultAsync(stop);
        }

        return worlds;
    }

    private static async Task<World> ReadOneAsync(NpgsqlDataReader reader, CancellationToken stop) =>
        await reader.ReadAsync(stop)
            ? new World { Id = reader.GetInt32(0), RandomNumber = reader.GetInt32(1) }
            : throw new InvalidOperationException("the table is not seeded");
}
