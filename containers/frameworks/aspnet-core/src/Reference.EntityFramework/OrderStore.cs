using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Reference.Core.Orders;

namespace Reference.EntityFramework;

internal sealed class OrderStore(AppDbContext db) : IOrderStore
{
    // A projection is not tracked, and its lines come by a join with the order.
    private static readonly Expression<Func<Order, OrderResponse>> Response = order => new OrderResponse(
        order.Id,
        order.Customer,
        order.Total,
        order.CreatedAt,
        order.Lines
            .OrderBy(line => line.Position)
            .Select(line => new OrderLineResponse(line.Sku, line.Quantity, line.Price))
            .ToList());

    private static readonly Func<AppDbContext, int, CancellationToken, Task<OrderResponse?>> ById = EF.CompileAsyncQuery(
        (AppDbContext db, int id, CancellationToken stop) =>
            db.Orders.Where(order => order.Id == id).Select(Response).FirstOrDefault());

    private static readonly Func<AppDbContext, int, int, IAsyncEnumerable<OrderResponse>> OfCustomer = EF.CompileAsyncQuery(
        (AppDbContext db, int customer, int limit) =>
            db.Orders
                .Where(order => order.Customer == customer)
                .OrderByDescending(order => order.Id)
                .Take(limit)
                .Select(Response));

    public async Task<OrderResponse> AddAsync(NewOrder order, CancellationToken stop)
    {
        var entity = new Order { Customer = order.Customer, Total = order.Total, Lines = Lines(order) };
        db.Orders.Add(entity);
        // One transaction by itself; the id and the time come back from the database.
        await db.SaveChangesAsync(stop);
        return new OrderResponse(entity.Id, entity.Customer, entity.Total, entity.CreatedAt, order.Lines);
    }

    public Task<OrderResponse?> FindAsync(int id, CancellationToken stop) => ById(db, id, stop);

    public async Task<IReadOnlyList<OrderResponse>> ListAsync(int customer, int limit, CancellationToken stop) =>
        await OfCustomer(db, customer, limit).ToListAsync(stop);

    public async Task<OrderResponse?> ReplaceAsync(int id, NewOrder order, CancellationToken stop)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(stop);
        // The update holds the order's row, so that two requests that replace the same order come one after the other.
        var found = await db.Orders
            .Where(o => o.Id == id)
            .ExecuteUpdateAsync(
                o => o.SetProperty(x => x.Customer, order.Customer).SetProperty(x => x.Total, order.Total), stop);
        if (found == 0)
        {
            return null;
        }

        await db.OrderLines.Where(line => line.OrderId == id).ExecuteDeleteAsync(stop);
        db.OrderLines.AddRange(Lines(order, id));
        await db.SaveChangesAsync(stop);
        var created = await db.Orders.Where(o => o.Id == id).Select(o => o.CreatedAt).FirstAsync(stop);
        await transaction.CommitAsync(stop);
        return new OrderResponse(id, order.Customer, order.Total, created, order.Lines);
    }

    public async Task<bool> RemoveAsync(int id, CancellationToken stop) =>
        // The lines go with it: the foreign key cascades.
        await db.Orders.Where(order => order.Id == id).ExecuteDeleteAsync(stop) > 0;

    private static List<OrderLine> Lines(NewOrder order, int orderId = 0) =>
    [
        .. order.Lines.Select((line, position) => new OrderLine
        {
            OrderId = orderId,
            Position = position,
            Sku = line.Sku,
            Quantity = line.Quantity,
            Price = line.Price,
        }),
    ];
}
