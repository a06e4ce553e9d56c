namespace Reference.Core.Orders;

/// <summary>Orders in the database.</summary>
public interface IOrderStore
{
    Task<OrderResponse> AddAsync(NewOrder order, CancellationToken stop);

    Task<OrderResponse?> FindAsync(int id, CancellationToken stop);

    /// <summary>A customer's orders, the newest first.</summary>
    Task<IReadOnlyList<OrderResponse>> ListAsync(int customer, int limit, CancellationToken stop);

    /// <returns>The order as it is stored now; null where there is none of this id.</returns>
    Task<OrderResponse?> ReplaceAsync(int id, NewOrder order, CancellationToken stop);

    /// <returns>Whether there was one of this id.</returns>
    Task<bool> RemoveAsync(int id, CancellationToken stop);
}
