using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Mvc;
using Reference.Core.Hosting;
using Reference.Core.Orders;
using Reference.Core.Validation;

namespace Reference.Controllers.Controllers;

/// <summary>The orders resource.</summary>
[ApiController]
[Route("/orders")]
[Needs(NeedsAttribute.Database)]
public sealed class OrdersController(IOrderStore store) : ControllerBase
{
    [HttpPost]
    public async Task<CreatedResult> Add(OrderRequest request, CancellationToken stop)
    {
        var order = await store.AddAsync(request.ToOrder(), stop);
        return Created($"/orders/{order.Id}", order);
    }

    [HttpGet]
    public async Task<OrderListResponse> List(
        [Required(ErrorMessage = FaultCode.Required), Range(1d, int.MaxValue, ErrorMessage = FaultCode.Range)] long? customer,
        [Range(1d, 100d, ErrorMessage = FaultCode.Range)] long? limit,
        CancellationToken stop) =>
        new(await store.ListAsync((int)customer!.Value, (int)(limit ?? 20), stop));

    [HttpGet("{id:int}")]
    public async Task<ActionResult<OrderResponse>> Find(int id, CancellationToken stop) =>
        await store.FindAsync(id, stop) is { } order ? order : NotFound();

    [HttpPut("{id:int}")]
    public async Task<ActionResult<OrderResponse>> Replace(int id, OrderRequest request, CancellationToken stop) =>
        await store.ReplaceAsync(id, request.ToOrder(), stop) is { } order ? order : NotFound();

    [HttpDelete("{id:int}")]
    public async Task<ActionResult> Remove(int id, CancellationToken stop) =>
        await store.RemoveAsync(id, stop) ? NoContent() : NotFound();
}
