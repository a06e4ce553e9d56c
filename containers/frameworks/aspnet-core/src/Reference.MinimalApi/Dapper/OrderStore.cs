using Dapper;
using Npgsql;
using Reference.Core.Orders;

namespace Reference.MinimalApi.Dapper;

internal sealed class OrderStore(NpgsqlDataSource database) : IOrderStore
{
    public async Task<OrderResponse> AddAsync(NewOrder order, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        var (id, created) = await connection.QuerySingleAsync<(int, DateTime)>(new CommandDefinition(
            "INSERT INTO orders (customer, total) VALUES (@Customer, @Total) RETURNING id, created_at",
            order, transaction, cancellationToken: stop));
        await AddLinesAsync(connection, transaction, id, order.Lines, stop);
        await transaction.CommitAsync(stop);
        return new OrderResponse(id, order.Customer, order.Total, created, order.Lines);
    }

    public async Task<OrderResponse?> FindAsync(int id, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var results = await connection.QueryMultipleAsync(new CommandDefinition(
            """
            SELECT id, customer, total, created_at AS created FROM orders WHERE id = @id;
            SELECT sku, quantity, price FROM order_lines WHERE order_id = @id ORDER BY position
            """,
            new { id }, cancellationToken: stop));
        var order = await results.ReadSingleOrDefaultAsync<OrderRow>();
        var lines = await results.ReadAsync<OrderLineResponse>();
        return order?.With(lines.AsList());
    }

    public async Task<IReadOnlyList<OrderResponse>> ListAsync(int customer, int limit, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        var orders = (await connection.QueryAsync<OrderRow>(new CommandDefinition(
            "SELECT id, customer, total, created_at AS created FROM orders WHERE customer = @customer ORDER BY id DESC LIMIT @limit",
            new { customer, limit }, cancellationToken: stop))).AsList();
        var lines = await connection.QueryAsync<OrderLineRow>(new CommandDefinition(
            """
            SELECT order_id AS orderid, sku, quantity, price FROM order_lines
            WHERE order_id = ANY (@ids) ORDER BY order_id, position
            """,
            new { ids = orders.ConvertAll(order => order.Id) }, cancellationToken: stop));
        var linesOf = lines.ToLookup(line => line.OrderId, line => new OrderLineResponse(line.Sku, line.Quantity, line.Price));
        return orders.ConvertAll(order => order.With([.. linesOf[order.Id]]));
    }

    public async Task<OrderResponse?> ReplaceAsync(int id, NewOrder order, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        // The update holds the order's row, so that two requests that replace the same order come one after the other.
        var created = await connection.QuerySingleOrDefaultAsync<DateTime?>(new CommandDefinition(
            "UPDATE orders SET customer = @Customer, total = @Total WHERE id = @id RETURNING created_at",
            new { id, order.Customer, order.Total }, transaction, cancellationToken: stop));
        if (created is null)
        {
            return null;
        }

        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM order_lines WHERE order_id = @id", new { id }, transaction, cancellationToken: stop));
        await AddLinesAsync(connection, transaction, id, order.Lines, stop);
        await transaction.CommitAsync(stop);
        return new OrderResponse(id, order.Customer, order.Total, created.Value, order.Lines);
    }

    public async Task<bool> RemoveAsync(int id, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        // The lines go with it: the foreign key cascades.
        return await connection.ExecuteAsync(
            new CommandDefinition("DELETE FROM orders WHERE id = @id", new { id }, cancellationToken: stop)) > 0;
    }

    /// <summary>All lines by one statement, each column an array.</summary>
    private static Task AddLinesAsync(
        NpgsqlConnection connection,
        NpgsqlTransaction transaction,
        int id,
        IReadOnlyList<OrderLineResponse> lines,
        CancellationToken stop) =>
        connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO order_lines (order_id, position, sku, quantity, price)
            SELECT @id, * FROM unnest(@positions, @skus, @quantities, @prices)
            """,
            new
            {
                id,
                positions = Enumerable.Range(0, lines.Count).ToArray(),
                skus = lines.Select(line => line.Sku).ToArray(),
                quantities = lines.Select(line => line.Quantity).ToArray(),
                prices = lines.Select(line => line.Price).ToArray(),
            },
            transaction, cancellationToken: stop));

    private sealed record OrderRow(int Id, int Customer, long Total, DateTime Created)
    {
        public OrderResponse With(IReadOnlyList<OrderLineResponse> lines) => new(Id, Customer, Total, Created, lines);
    }

    private sealed record OrderLineRow(int OrderId, string Sku, int Quantity, int Price);
}
