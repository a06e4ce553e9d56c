using Microsoft.AspNetCore.Http;

namespace Reference.Core.Validation;

/// <summary>Writes the errors of the built-in validation as the contract has them, in place of problem details.</summary>
internal sealed class FaultsWriter : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) => context.ProblemDetails is HttpValidationProblemDetails;

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var problem = (HttpValidationProblemDetails)context.ProblemDetails;
        await FaultList.Of(problem.Errors).ExecuteAsync(context.HttpContext);
    }
}
