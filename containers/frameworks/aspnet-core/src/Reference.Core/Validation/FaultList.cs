using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Reference.Core.Validation;

/// <summary>One fault of what a client sent.</summary>
public sealed record Fault(string Path, string Code);

/// <summary>The codes of faults. The validation attributes carry them as their messages.</summary>
public static class FaultCode
{
    public const string Required = "required";
    public const string Type = "type";
    public const string Range = "range";
    public const string Size = "size";
    public const string Format = "format";
    public const string Unknown = "unknown";
}

/// <summary>
/// The answer to a request with faults: 422 and one fault for each path. This is the one place that translates what
/// ASP.NET Core found (validation errors, exceptions of the JSON serialiser) into the contract's form.
/// </summary>
public sealed record FaultList(IReadOnlyList<Fault> Errors) : IResult
{
    public static readonly FaultList NotAnObject = new([new Fault("", FaultCode.Type)]);

    /// <summary>Of validation errors: messages by the member that they are about, such as <c>Lines[0].Sku</c>.</summary>
    public static FaultList Of(IEnumerable<KeyValuePair<string, string[]>> errors)
    {
        var faults = errors.SelectMany(error => error.Value.SelectMany(message => Of(error.Key, message)));
        return new FaultList([.. faults.DistinctBy(fault => fault.Path)]);
    }

    /// <summary>Of JSON that does not fit the type it is read into; null where it is no JSON at all.</summary>
    public static FaultList? Of(JsonException error)
    {
        // The reader's own exception, of text that is no JSON, is the inner one.
        if (error.InnerException is JsonException)
        {
            return null;
        }

        var path = (error.Path ?? "").TrimStart('$').TrimStart('.');
        return new FaultList([new Fault(PathOf(path), FaultCode.Type)]);
    }

    public Task ExecuteAsync(HttpContext context) => TypedResults.UnprocessableEntity(this).ExecuteAsync(context);

    private static IEnumerable<Fault> Of(string member, string message)
    {
        if (NoUnknownFieldsAttribute.FieldsOf(member, message) is not { } fields)
        {
            return [new Fault(PathOf(member), message)];
        }

        var parent = member.LastIndexOf('.') is var end and >= 0 ? PathOf(member[..end]) + "." : "";
        return fields.Select(field => new Fault(parent + field, FaultCode.Unknown));
    }

    /// <summary><c>lines.0.sku</c> of <c>Lines[0].Sku</c>.</summary>
    private static string PathOf(string member)
    {
        var segments = member.Replace('[', '.').Replace("]", "").Split('.');
        return string.Join('.', segments.Select(JsonNamingPolicy.CamelCase.ConvertName));
    }
}
