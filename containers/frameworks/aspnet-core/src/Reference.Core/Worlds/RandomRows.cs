using System.Globalization;

namespace Reference.Core.Worlds;

/// <summary>What is drawn at random: rows of <c>world</c>, and their numbers.</summary>
public static class RandomRows
{
    public const int Rows = 10_000;

    public static int Id() => Random.Shared.Next(1, Rows + 1);

    public static int Number() => Random.Shared.Next(1, Rows + 1);

    public static int[] Ids(int count)
    {
        var ids = new int[count];
        for (var i = 0; i < count; i++)
        {
            ids[i] = Id();
        }

        return ids;
    }

    /// <summary>Different ids in ascending order.</summary>
    public static int[] DistinctIds(int count)
    {
        var drawn = new HashSet<int>(count);
        while (drawn.Count < count)
        {
            drawn.Add(Id());
        }

        var ids = drawn.ToArray();
        Array.Sort(ids);
        return ids;
    }
}

/// <summary>How many rows a query string asks for: 1 to 500, and 1 where it asks for nothing that can be understood.</summary>
public readonly record struct RowCount(int Value)
{
    private const int Most = 500;

    public static int Of(RowCount? count) => count?.Value ?? 1;

    // ASP.NET Core binds by this method. It takes everything, as the contract does.
    public static bool TryParse(string? text, IFormatProvider? provider, out RowCount count)
    {
        _ = Int128.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number);
        count = new RowCount((int)Int128.Clamp(number, 1, Most));
        return true;
    }
}
