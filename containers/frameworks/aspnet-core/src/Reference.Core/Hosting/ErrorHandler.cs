using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Reference.Core.Upstream;
using Reference.Core.Validation;

namespace Reference.Core.Hosting;

/// <summary>
/// The answers to exceptions that have one. For all others ASP.NET Core's own handler logs the exception and answers 500
/// without a word of it.
/// </summary>
public sealed class ErrorHandler(ILogger<ErrorHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken stop)
    {
        switch (exception)
        {
            case BadHttpRequestException bad when FaultsOf(bad, context) is { } faults:
                await faults.ExecuteAsync(context);
                return true;

            case BadHttpRequestException bad:
                await TypedResults.Problem(statusCode: bad.StatusCode).ExecuteAsync(context);
                return true;

            case UpstreamException:
                logger.LogWarning("{Path}: {Message}", context.Request.Path, exception.Message);
                await TypedResults.Problem(statusCode: StatusCodes.Status502BadGateway).ExecuteAsync(context);
                return true;

            default:
                return false;
        }
    }

    /// <summary>The faults of a body that is JSON but could not be bound.</summary>
    private static FaultList? FaultsOf(BadHttpRequestException bad, HttpContext context) => bad switch
    {
        { InnerException: JsonException json } => FaultList.Of(json),
        // A minimal API does not tell `null` from nothing, other than by there being a body.
        { StatusCode: StatusCodes.Status400BadRequest, InnerException: null }
            when context.Request.ContentLength > 0
                && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true } => FaultList.NotAnObject,
        _ => null,
    };
}
