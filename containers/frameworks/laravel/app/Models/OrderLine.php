<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Attributes\Fillable;
use Illuminate\Database\Eloquent\Attributes\Table;
use Illuminate\Database\Eloquent\Model;

/**
 * @property int $position
 * @property string $sku
 * @property int $quantity
 * @property int $price
 */
#[Table(timestamps: false)]
#[Fillable(['position', 'sku', 'quantity', 'price'])]
class OrderLine extends Model
{
}
