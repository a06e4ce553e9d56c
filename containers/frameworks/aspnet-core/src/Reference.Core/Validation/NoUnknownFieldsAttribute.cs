using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace Reference.Core.Validation;

/// <summary>
/// For the property that takes in the JSON fields no other property knows: there must be none. An attribute can report one
/// error only, so that its message holds the names of all such fields.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class NoUnknownFieldsAttribute : ValidationAttribute
{
    /// <summary>What the property is called in every request, so that its errors are known by it.</summary>
    public const string Property = "UnknownFields";

    private const char Separator = '\n';

    protected override ValidationResult? IsValid(object? value, ValidationContext context) =>
        value is IDictionary<string, JsonElement> { Count: > 0 } fields
            ? new ValidationResult(string.Join(Separator, fields.Keys))
            : ValidationResult.Success;

    /// <summary>The names in an error's message, or null where the error is another's.</summary>
    internal static string[]? FieldsOf(string member, string message) =>
        member == Property || member.EndsWith("." + Property, StringComparison.Ordinal) ? message.Split(Separator) : null;
}
