using Npgsql;
using Reference.Core.Orders;
using static Reference.NativeAot.Data.NpgsqlExtensions;

namespace Reference.NativeAot.Data;

internal sealed class OrderStore(NpgsqlDataSource database) : IOrderStore
{
    public async Task<OrderResponse> AddAsync(NewOrder order, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var command = new NpgsqlCommand(
            "INSERT INTO orders (customer, total) VALUES ($1, $2) RETURNING id, created_at", connection, transaction)
        {
            Parameters = { Parameter(order.Customer), Parameter(order.Total) },
        };
        OrderResponse stored;
        await using (var reader = await command.ExecuteReaderAsync(stop))
        {
            await reader.ReadAsync(stop);
            stored = new OrderResponse(reader.GetInt32(0), order.Customer, order.Total, reader.GetDateTime(1), order.Lines);
        }

        await AddLinesAsync(connection, transaction, stored.Id, order.Lines, stop);
        await transaction.CommitAsync(stop);
        return stored;
    }

    public async Task<OrderResponse?> FindAsync(int id, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        // Two statements in one round trip.
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("SELECT id, customer, total, created_at FROM orders WHERE id = $1")
                {
                    Parameters = { Parameter(id) },
                },
                new NpgsqlBatchCommand("SELECT sku, quantity, price FROM order_lines WHERE order_id = $1 ORDER BY position")
                {
                    Parameters = { Parameter(id) },
                },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(stop);
        if (!await reader.ReadAsync(stop))
        {
            return null;
        }

        var lines = new List<OrderLineResponse>();
        var order = Order(reader, lines);
        await reader.NextResultAsync(stop);
        while (await reader.ReadAsync(stop))
        {
            lines.Add(new OrderLineResponse(reader.GetString(0), reader.GetInt32(1), reader.GetInt32(2)));
        }

        return order;
    }

    public async Task<IReadOnlyList<OrderResponse>> ListAsync(int customer, int limit, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        var orders = new List<OrderResponse>();
        var linesOf = new Dictionary<int, List<OrderLineResponse>>();
        await using (var command = new NpgsqlCommand(
            "SELECT id, customer, total, created_at FROM orders WHERE customer = $1 ORDER BY id DESC LIMIT $2", connection))
        {
            command.Parameters.Add(Parameter(customer));
            command.Parameters.Add(Parameter(limit));
            await using var reader = await command.ExecuteReaderAsync(stop);
            while (await reader.ReadAsync(stop))
            {
                var lines = new List<OrderLineResponse>();
                var order = Order(reader, lines);
                orders.Add(order);
                linesOf.Add(order.Id, lines);
            }
        }

        await using (var command = new NpgsqlCommand(
            """
            SELECT order_id, sku, quantity, price FROM order_lines
            WHERE order_id = ANY ($1) ORDER BY order_id, position
            """,
            connection))
        {
            command.Parameters.Add(Parameter(linesOf.Keys.ToArray()));
            await using var reader = await command.ExecuteReaderAsync(stop);
            while (await reader.ReadAsync(stop))
            {
                linesOf[reader.GetInt32(0)].Add(new OrderLineResponse(reader.GetString(1), reader.GetInt32(2), reader.GetInt32(3)));
            }
        }

        return orders;
    }

    public async Task<OrderResponse?> ReplaceAsync(int id, NewOrder order, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        // The update holds the order's row, so that two requests that replace the same order come one after the other.
        await using var update = new NpgsqlCommand(
            "UPDATE orders SET customer = $2, total = $3 WHERE id = $1 RETURNING created_at", connection, transaction)
        {
            Parameters = { Parameter(id), Parameter(order.Customer), Parameter(order.Total) },
        };
        if (await update.ExecuteScalarAsync(stop) is not DateTime created)
        {
            return null;
        }

        await using var delete = new NpgsqlCommand("DELETE FROM order_lines WHERE order_id = $1", connection, transaction)
        {
            Parameters = { Parameter(id) },
        };
        await delete.ExecuteNonQueryAsync(stop);
        await AddLinesAsync(connection, transaction, id, order.Lines, stop);
        await transaction.CommitAsync(stop);
        return new OrderResponse(id, order.Customer, order.Total, created, order.Lines);
    }

    public async Task<bool> RemoveAsync(int id, CancellationToken stop)
    {
        // The lines go with it: the foreign key cascades.
        await using var command = database.CreateCommand("DELETE FROM orders WHERE id = $1");
        command.Parameters.Add(Parameter(id));
        return await command.ExecuteNonQueryAsync(stop) > 0;
    }

    /// <summary>All lines by one statement, each column an array.</summary>
    private static async Task AddLinesAsync(
        NpgsqlConnection connection,
        NpgsqlTransaction transaction,
        int id,
        IReadOnlyList<OrderLineResponse> lines,
        CancellationToken stop)
    {
        await using var command = new NpgsqlCommand(
            """
            INSERT INTO order_lines (order_id, position, sku, quantity, price)
            SELECT $1, * FROM unnest($2, $3, $4, $5)
            """,
            connection, transaction)
        {
            Parameters =
            {
                Parameter(id),
                Parameter(Enumerable.Range(0, lines.Count).ToArray()),
                Parameter(lines.Select(line => line.Sku).ToArray()),
                Parameter(lines.Select(line => line.Quantity).ToArray()),
                Parameter(lines.Select(line => line.Price).ToArray()),
            },
        };
        await command.ExecuteNonQueryAsync(stop);
    }

    private static OrderResponse Order(NpgsqlDataReader reader, IReadOnlyList<OrderLineResponse> lines) =>
        new(reader.GetInt32(0), reader.GetInt32(1), reader.GetInt64(2), reader.GetDateTime(3), lines);
}
