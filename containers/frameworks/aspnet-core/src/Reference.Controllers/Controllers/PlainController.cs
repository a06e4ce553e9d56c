using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Mvc;
using Reference.Core;
using Reference.Core.Hosting;
using Reference.Core.Upstream;
using Reference.Core.Validation;

namespace Reference.Controllers.Controllers;

/// <summary>The routes without a database.</summary>
[ApiController]
public sealed class PlainController : ControllerBase
{
    private const int MostMilliseconds = 10_000;

    [HttpGet("/plaintext")]
    public ContentResult Plaintext() => Content("Hello, World!");

    [HttpGet("/json")]
    public HelloMessage Json() => new("Hello, World!");

    [HttpGet("/cpu")]
    public PrimesResponse Cpu(
        [Required(ErrorMessage = FaultCode.Required), Range(0, Primes.Most, ErrorMessage = FaultCode.Range)] int? n) =>
        new(n!.Value, Primes.CountBelow(n.Value));

    [HttpGet("/upstream")]
    [Needs(NeedsAttribute.Upstream)]
    public Task<Delay> Upstream(
        [Required(ErrorMessage = FaultCode.Required), Range(0, MostMilliseconds, ErrorMessage = FaultCode.Range)] int? ms,
        [FromServices] UpstreamClient upstream,
        CancellationToken stop) => upstream.DelayAsync(ms!.Value, stop);

    [Route("/ws")]
    public Task Echo() => WebSocketEcho.HandleAsync(HttpContext);
}
