using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Reference.Core.Hosting;

/// <summary>Says of a route which setting it cannot do without.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class NeedsAttribute(string setting) : Attribute
{
    public const string Database = "DATABASE_URL";
    public const string Upstream = "UPSTREAM_URL";

    public string Setting { get; } = setting;
}

public static class Needs
{
    /// <summary>Answers 503 on routes that need a setting which was not given. Where all are given, nothing is added.</summary>
    public static void UseNeeds(this IApplicationBuilder app, Settings settings)
    {
        var missing = new HashSet<string>();
        if (settings.Database is null)
        {
            missing.Add(NeedsAttribute.Database);
        }

        if (settings.Upstream is null)
        {
            missing.Add(NeedsAttribute.Upstream);
        }

        if (missing.Count == 0)
        {
            return;
        }

        app.Use((context, next) =>
        {
            var need = context.GetEndpoint()?.Metadata.GetMetadata<NeedsAttribute>();
            if (need is null || !missing.Contains(need.Setting))
            {
                return next(context);
            }

            var problem = TypedResults.Problem($"no {need.Setting} is set", statusCode: StatusCodes.Status503ServiceUnavailable);
            return problem.ExecuteAsync(context);
        });
    }
}
