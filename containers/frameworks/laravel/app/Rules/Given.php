<?php

namespace App\Rules;

use Closure;
use Illuminate\Contracts\Validation\ValidationRule;

/**
 * The value is there and not null.
 *
 * `required` would also refuse an empty list and an empty text. And since Laravel runs no other rule on an empty text, this
 * one fails in the name of the rule that an empty text breaks.
 */
class Given implements ValidationRule
{
    /**
     * Runs even where the field is missing.
     */
    public bool $implicit = true;

    public function __construct(private readonly string $brokenByEmptyText) {}

    public function validate(string $attribute, mixed $value, Closure $fail): void
    {
        if ($value === null) {
            $fail('validation.required')->translate();
        } elseif (is_string($value) && trim($value) === '') {
            $fail("validation.{$this->brokenByEmptyText}")->translate();
        }
    }
}
