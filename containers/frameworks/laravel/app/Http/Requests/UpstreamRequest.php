<?php

namespace App\Http\Requests;

use Illuminate\Foundation\Http\FormRequest;

class UpstreamRequest extends FormRequest
{
    /**
     * @return array<string, list<mixed>>
     */
    public function rules(): array
    {
        return [
            'ms' => ['required', 'integer', 'between:0,10000'],
        ];
    }
}
