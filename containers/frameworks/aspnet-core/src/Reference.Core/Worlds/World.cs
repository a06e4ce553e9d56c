namespace Reference.Core.Worlds;

/// <summary>A row of <c>world</c>, and how it is answered.</summary>
public sealed class World
{
    public int Id { get; set; }

    public int RandomNumber { get; set; }
}

/// <summary>A row of <c>cachedworld</c>, and how it is answered.</summary>
public sealed class CachedWorld
{
    public int Id { get; set; }

    public int RandomNumber { get; set; }
}

/// <summary>A row of <c>fortune</c>.</summary>
public sealed class Fortune
{
    public int Id { get; set; }

    public string Message { get; set; } = "";
}
