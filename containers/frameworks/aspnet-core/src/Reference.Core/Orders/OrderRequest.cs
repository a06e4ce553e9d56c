using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using Reference.Core.Validation;

namespace Reference.Core.Orders;

/// <summary>
/// What a client sends to store an order. Everything may be missing until it is validated; numbers are wider than what they
/// may be, so that one out of range is found by validation rather than by the JSON serialiser, which names it alone.
/// </summary>
public sealed class OrderRequest : IJsonOnDeserialized
{
    [Required(ErrorMessage = FaultCode.Required)]
    [Range(1d, int.MaxValue, ErrorMessage = FaultCode.Range)]
    public long? Customer { get; set; }

    [Required(ErrorMessage = FaultCode.Required)]
    [Length(1, 50, ErrorMessage = FaultCode.Size)]
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "a list has its count by ICollection")]
    public List<OrderLineRequest>? Lines { get; set; }

    [NoUnknownFields]
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? UnknownFields { get; set; }

    /// <summary>Validation passes over `null` in a list; in a line without anything it finds what is missing.</summary>
    void IJsonOnDeserialized.OnDeserialized()
    {
        for (var i = 0; i < Lines?.Count; i++)
        {
            Lines[i] ??= new OrderLineRequest();
        }
    }

    /// <summary>The order, once it has been validated.</summary>
    public NewOrder ToOrder() => new((int)Customer!.Value, [.. Lines!.Select(line => line.ToLine())]);
}

/// <summary>A line of an order as a client sends it.</summary>
public sealed class OrderLineRequest
{
    // An empty text is missing to Required and nothing to RegularExpression; here it is malformed.
    [Required(AllowEmptyStrings = true, ErrorMessage = FaultCode.Required)]
    [StringLength(32, MinimumLength = 1, ErrorMessage = FaultCode.Format)]
    [RegularExpression("[A-Z0-9-]{3,32}", ErrorMessage = FaultCode.Format)]
    public string? Sku { get; set; }

    [Required(ErrorMessage = FaultCode.Required)]
    [Range(1d, 1_000d, ErrorMessage = FaultCode.Range)]
    public long? Quantity { get; set; }

    [Required(ErrorMessage = FaultCode.Required)]
    [Range(1d, 10_000_000d, ErrorMessage = FaultCode.Range)]
    public long? Price { get; set; }

    [NoUnknownFields]
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? UnknownFields { get; set; }

    internal OrderLineResponse ToLine() => new(Sku!, (int)Quantity!.Value, (int)Price!.Value);
}
