<?php

namespace App\Http\Controllers;

abstract class Controller
{
    /**
     * How many rows are asked for: 1 where it is missing or no whole number, never less than 1 or more than 500.
     */
    protected function rowCount(mixed $value): int
    {
        return is_string($value) && ctype_digit($value) ? min(max((int) $value, 1), 500) : 1;
    }
}
