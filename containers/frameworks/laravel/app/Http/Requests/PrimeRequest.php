<?php

namespace App\Http\Requests;

use Illuminate\Foundation\Http\FormRequest;

class PrimeRequest extends FormRequest
{
    /**
     * @return array<string, list<mixed>>
     */
    public function rules(): array
    {
        return [
            'n' => ['required', 'integer', 'between:0,1000000'],
        ];
    }
}
