using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Reference.Core.Validation;

namespace Reference.Controllers;

/// <summary>What model binding and validation found, as the contract has it.</summary>
internal static class ModelStateFaults
{
    public static void AddFaults(this IMvcBuilder mvc)
    {
        mvc.Services.Configure<MvcOptions>(options =>
        {
            // A missing body has an error of its own; that the parameter is required would be a second one.
            options.SuppressImplicitRequiredAttributeForNonNullableReferenceTypes = true;
            // A list of 51 lines with a fault in each has the fault of its size too.
            options.ValidateComplexTypesIfChildValidationFails = true;
            // All faults are told, not the first 200; how long a body may be bounds them.
            options.MaxModelValidationErrors = int.MaxValue;
            options.ModelBindingMessageProvider.SetMissingRequestBodyRequiredValueAccessor(() => FaultCode.Type);
            options.ModelBindingMessageProvider.SetAttemptedValueIsInvalidAccessor((_, _) => FaultCode.Type);
            options.ModelBindingMessageProvider.SetNonPropertyAttemptedValueIsInvalidAccessor(_ => FaultCode.Type);
        });
        // With this the model state holds the serialiser's exception, which tells bad JSON from a bad value.
        mvc.AddJsonOptions(options => options.AllowInputFormatterExceptionMessages = false);
        mvc.ConfigureApiBehaviorOptions(options => options.InvalidModelStateResponseFactory = Answer);
    }

    private static IActionResult Answer(ActionContext context) =>
        Faults(context.ModelState, context.HttpContext.Request) is { } faults
            ? new UnprocessableEntityObjectResult(faults)
            : new BadRequestResult();

    /// <summary>The faults; null where the body is no JSON at all.</summary>
    private static FaultList? Faults(ModelStateDictionary state, HttpRequest request)
    {
        var bad = state.Values.SelectMany(entry => entry.Errors).Select(error => error.Exception).OfType<JsonException>().FirstOrDefault();
        if (bad is not null)
        {
            return FaultList.Of(bad);
        }

        // The error of a missing body is also that of the body `null`.
        if (state.TryGetValue("", out var body) && body.Errors.Count > 0 && request.ContentLength is null or 0)
        {
            return null;
        }

        return FaultList.Of(state.Select(entry =>
            KeyValuePair.Create(entry.Key, entry.Value!.Errors.Select(error => error.ErrorMessage).ToArray())));
    }
}
