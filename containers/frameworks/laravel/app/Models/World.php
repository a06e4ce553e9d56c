<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Attributes\Table;
use Illuminate\Database\Eloquent\Model;

/**
 * @property int $id
 * @property int $randomnumber
 */
#[Table('world', timestamps: false)]
class World extends Model
{
    private const int ROWS = 10_000;

    public static function randomId(): int
    {
        return random_int(1, self::ROWS);
    }

    /**
     * @return list<int> $count different ids
     */
    public static function randomIds(int $count): array
    {
        $ids = [];
        while (count($ids) < $count) {
            $id = self::randomId();
            $ids[$id] = $id;
        }

        return array_values($ids);
    }

    public static function randomNumber(): int
    {
        return random_int(1, 10_000);
    }
}
