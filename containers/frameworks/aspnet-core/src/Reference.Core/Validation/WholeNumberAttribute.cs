using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace Reference.Core.Validation;

/// <summary>For text in a query that must be a whole number in a range. Whether it must be there is another attribute's.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class WholeNumberAttribute(int least, int most) : ValidationAttribute
{
    protected override ValidationResult? IsValid(object? value, ValidationContext context)
    {
        if (value is not string { Length: > 0 } text)
        {
            return ValidationResult.Success;
        }

        if (!Int128.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return new ValidationResult(FaultCode.Type);
        }

        return number >= least && number <= most ? ValidationResult.Success : new ValidationResult(FaultCode.Range);
    }
}
