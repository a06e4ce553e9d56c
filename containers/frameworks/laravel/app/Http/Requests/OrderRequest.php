<?php

namespace App\Http\Requests;

use App\Rules\Given;
use Illuminate\Foundation\Http\Attributes\FailOnUnknownFields;
use Illuminate\Foundation\Http\FormRequest;
use Illuminate\Validation\ValidationException;

#[FailOnUnknownFields]
class OrderRequest extends FormRequest
{
    /**
     * Laravel reads a body that is no JSON, or no object, as an empty one.
     */
    protected function prepareForValidation(): void
    {
        abort_unless(json_validate($this->getContent()), 400, 'The body is not JSON.');

        if (! str_starts_with(ltrim($this->getContent()), '{')) {
            throw ValidationException::withMessages(['' => __('validation.array')]);
        }
    }

    /**
     * @return array<string, list<mixed>>
     */
    public function rules(): array
    {
        return [
            'customer' => [new Given('integer'), 'integer:strict', 'between:1,2147483647'],
            'lines' => [new Given('list'), 'list', 'between:1,50'],
            'lines.*' => [new Given('array'), 'array'],
            'lines.*.sku' => [new Given('regex'), 'string', 'regex:/\A[A-Z0-9-]{3,32}\z/'],
            'lines.*.quantity' => [new Given('integer'), 'integer:strict', 'between:1,1000'],
            'lines.*.price' => [new Given('integer'), 'integer:strict', 'between:1,10000000'],
        ];
    }
}
