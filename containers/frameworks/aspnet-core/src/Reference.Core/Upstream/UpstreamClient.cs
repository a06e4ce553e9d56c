using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Reference.Core.Upstream;

/// <summary>What the other service answers with, and what is passed on.</summary>
public sealed record Delay(int Ms, long Serial);

/// <summary>The other service did not answer as it should.</summary>
public sealed class UpstreamException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The other service, asked over connections that are kept open.</summary>
public sealed class UpstreamClient(HttpClient http, IOptions<JsonOptions> options)
{
    private readonly JsonTypeInfo<Delay> _delay =
        (JsonTypeInfo<Delay>)options.Value.SerializerOptions.GetTypeInfo(typeof(Delay));

    /// <exception cref="UpstreamException">It did not answer in time, or not as it should.</exception>
    public async Task<Delay> DelayAsync(int milliseconds, CancellationToken stop)
    {
        try
        {
            return await http.GetFromJsonAsync($"/delay?ms={milliseconds}", _delay, stop)
                ?? throw new UpstreamException("the service answered null");
        }
        catch (Exception error) when (error is HttpRequestException or JsonException or OperationCanceledException)
        {
            // The client's own time limit cancels too; only a caller who has gone is no fault of the service.
            stop.ThrowIfCancellationRequested();
            throw new UpstreamException(error.Message, error);
        }
    }
}

public static class UpstreamExtensions
{
    public static void AddUpstream(this IServiceCollection services, Uri? address) =>
        services.AddHttpClient<UpstreamClient>(http =>
        {
            http.BaseAddress = address;
            http.Timeout = TimeSpan.FromSeconds(15);
        });
}
