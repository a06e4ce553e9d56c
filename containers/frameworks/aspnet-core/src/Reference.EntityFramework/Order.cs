namespace Reference.EntityFramework;

public sealed class Order
{
    public int Id { get; set; }

    public int Customer { get; set; }

    public long Total { get; set; }

    public DateTime CreatedAt { get; set; }

    public List<OrderLine> Lines { get; set; } = [];
}

public sealed class OrderLine
{
    public long Id { get; set; }

    public int OrderId { get; set; }

    public int Position { get; set; }

    public required string Sku { get; set; }

    public int Quantity { get; set; }

    public int Price { get; set; }
}
