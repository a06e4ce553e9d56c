namespace Reference.Core.Worlds;

public static class Fortunes
{
    /// <summary>Adds the contract's own fortune, and sorts by message.</summary>
    public static List<Fortune> Complete(List<Fortune> fortunes)
    {
        fortunes.Add(new Fortune { Id = 0, Message = "Additional fortune added at request time." });
        fortunes.Sort(static (a, b) => string.CompareOrdinal(a.Message, b.Message));
        return fortunes;
    }
}
