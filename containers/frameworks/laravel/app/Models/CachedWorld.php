<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Attributes\Table;
use Illuminate\Support\Facades\Cache;

#[Table('cachedworld', timestamps: false)]
class CachedWorld extends World
{
    /**
     * The row from the cache, which reads it when it is first asked for. Rows are kept as arrays, not as objects.
     */
    public static function cached(int $id): self
    {
        $row = Cache::rememberForever("cachedworld:{$id}", fn (): array => self::findOrFail($id)->getAttributes());

        return (new self)->newFromBuilder($row);
    }
}
