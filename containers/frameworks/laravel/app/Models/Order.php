<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Attributes\Fillable;
use Illuminate\Database\Eloquent\Attributes\Table;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\HasMany;

/**
 * @property int $id
 * @property int $customer
 * @property int $total
 * @property \Illuminate\Support\Carbon $created_at
 * @property \Illuminate\Database\Eloquent\Collection<int, OrderLine> $lines
 */
#[Table(dateFormat: 'Y-m-d H:i:s.uP')]
#[Fillable(['customer', 'total'])]
class Order extends Model
{
    public const UPDATED_AT = null;

    /**
     * @return HasMany<OrderLine, $this>
     */
    public function lines(): HasMany
    {
        return $this->hasMany(OrderLine::class)->orderBy('position');
    }

    /**
     * PostgreSQL would refuse what is no integer of four bytes; there is no order of that id.
     */
    public function resolveRouteBinding($value, $field = null): ?Model
    {
        $range = ['options' => ['min_range' => 1, 'max_range' => 2_147_483_647]];

        return filter_var($value, FILTER_VALIDATE_INT, $range) === false ? null : parent::resolveRouteBinding($value, $field);
    }
}
