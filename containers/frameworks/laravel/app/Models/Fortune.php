<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Attributes\Fillable;
use Illuminate\Database\Eloquent\Attributes\Table;
use Illuminate\Database\Eloquent\Model;

/**
 * @property int $id
 * @property string $message
 */
#[Table('fortune', timestamps: false)]
#[Fillable(['id', 'message'])]
class Fortune extends Model
{
}
