using Microsoft.AspNetCore.Mvc;
using Reference.Core.Hosting;
using Reference.Core.Worlds;

namespace Reference.Controllers.Controllers;

/// <summary>The page of fortunes.</summary>
[Needs(NeedsAttribute.Database)]
public sealed class FortunesController(IWorldStore store) : Controller
{
    [HttpGet("/fortunes")]
    public async Task<ViewResult> Index(CancellationToken stop) => View(Fortunes.Complete(await store.FortunesAsync(stop)));
}
