<?php

namespace App\Http\Responses;

use Illuminate\Http\JsonResponse;
use Illuminate\Support\Str;
use Illuminate\Validation\ValidationException;

/**
 * The only place where faults get their form. Their codes are the messages of lang/en/validation.php.
 */
class Faults
{
    public static function from(ValidationException $exception): JsonResponse
    {
        $found = $exception->errors();
        $faults = collect($found)
            ->reject(fn (array $codes, string $path): bool => self::liesBelowOneOf($found, $path))
            ->map(fn (array $codes, string $path): array => ['path' => $path, 'code' => $codes[0]])
            ->values();

        return response()->json(['errors' => $faults], $exception->status);
    }

    /**
     * A value of the wrong type lacks every field it should have; it is one fault all the same.
     *
     * @param  array<string, list<string>>  $found
     */
    private static function liesBelowOneOf(array $found, string $path): bool
    {
        while (str_contains($path, '.')) {
            $path = Str::beforeLast($path, '.');
            if (isset($found[$path])) {
                return true;
            }
        }

        return false;
    }
}
