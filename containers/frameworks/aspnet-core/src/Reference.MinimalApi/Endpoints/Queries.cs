using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Reference.Core;
using Reference.Core.Validation;

namespace Reference.MinimalApi.Endpoints;

// What query strings hold. All of it is text until it has been validated: a minimal API gives up at the first number that
// it cannot read, without naming it. The types are public because the generator of the built-in validation asks for it.

/// <summary>Below which number primes are counted.</summary>
public sealed class CpuQuery
{
    [Required(ErrorMessage = FaultCode.Required)]
    [WholeNumber(0, Primes.Most)]
    public string? N { get; set; }

    internal int Number => Query.Number(N!);
}

/// <summary>How many milliseconds the other service takes.</summary>
public sealed class UpstreamQuery
{
    [Required(ErrorMessage = FaultCode.Required)]
    [WholeNumber(0, 10_000)]
    public string? Ms { get; set; }

    internal int Milliseconds => Query.Number(Ms!);
}

/// <summary>Whose orders are asked for, and how many.</summary>
public sealed class OrderListQuery
{
    [Required(ErrorMessage = FaultCode.Required)]
    [WholeNumber(1, int.MaxValue)]
    public string? Customer { get; set; }

    [WholeNumber(1, 100)]
    public string? Limit { get; set; }

    internal int CustomerNumber => Query.Number(Customer!);

    internal int LimitOrDefault => string.IsNullOrEmpty(Limit) ? 20 : Query.Number(Limit);
}

internal static class Query
{
    /// <summary>A number that has been validated.</summary>
    public static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
