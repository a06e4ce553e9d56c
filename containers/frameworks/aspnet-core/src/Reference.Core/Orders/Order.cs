namespace Reference.Core.Orders;

/// <summary>An order that is to be stored.</summary>
public sealed record NewOrder(int Customer, IReadOnlyList<OrderLineResponse> Lines)
{
    public long Total => Lines.Sum(line => (long)line.Quantity * line.Price);
}

/// <summary>An order as it is stored and answered.</summary>
public sealed record OrderResponse(int Id, int Customer, long Total, DateTime Created, IReadOnlyList<OrderLineResponse> Lines);

public sealed record OrderLineResponse(string Sku, int Quantity, int Price);

public sealed record OrderListResponse(IReadOnlyList<OrderResponse> Orders);
