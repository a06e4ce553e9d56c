using Npgsql;
using Reference.Core.Worlds;
using static Reference.NativeAot.Data.NpgsqlExtensions;

namespace Reference.NativeAot.Data;

internal sealed class WorldStore(NpgsqlDataSource database) : IWorldStore
{
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
        // All in one go, and in one transaction.
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
        await ReadOneAsync(reader, stop);
        return new CachedWorld { Id = reader.GetInt32(0), RandomNumber = reader.GetInt32(1) };
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

    private static async Task<World> FindAsync(NpgsqlConnection connection, int id, CancellationToken stop)
    {
        await using var command = new NpgsqlCommand("SELECT id, randomnumber FROM world WHERE id = $1", connection);
        command.Parameters.Add(Parameter(id));
        await using var reader = await command.ExecuteReaderAsync(stop);
        await ReadOneAsync(reader, stop);
        return new World { Id = reader.GetInt32(0), RandomNumber = reader.GetInt32(1) };
    }

    private static async Task<World[]> FindEachAsync(NpgsqlConnection connection, int[] ids, CancellationToken stop)
    {
        var worlds = new World[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            worlds[i] = await FindAsync(connection, ids[i], stop);
        }

        return worlds;
    }

    private static async Task ReadOneAsync(NpgsqlDataReader reader, CancellationToken stop)
    {
        if (!await reader.ReadAsync(stop))
        {
            throw new InvalidOperationException("the table is not seeded");
        }
    }
}
