<?php

namespace App\Http\Requests;

use Illuminate\Foundation\Http\FormRequest;

class ListOrdersRequest extends FormRequest
{
    /**
     * @return array<string, list<mixed>>
     */
    public function rules(): array
    {
        return [
            'customer' => ['required', 'integer', 'between:1,2147483647'],
            'limit' => ['nullable', 'integer', 'between:1,100'],
        ];
    }

    public function customer(): int
    {
        return $this->integer('customer');
    }

    public function limit(): int
    {
        return $this->filled('limit') ? $this->integer('limit') : 20;
    }
}
