<?php

namespace App\Services;

use App\Models\Order;
use App\Models\OrderLine;
use Illuminate\Support\Facades\DB;

class OrderService
{
    /**
     * @param  array{customer: int, lines: list<array{sku: string, quantity: int, price: int}>}  $data
     */
    public function place(array $data): Order
    {
        return DB::transaction(function () use ($data): Order {
            $order = Order::create(['customer' => $data['customer'], 'total' => $this->total($data['lines'])]);
            $this->writeLines($order, $data['lines']);

            return $order;
        });
    }

    /**
     * @param  array{customer: int, lines: list<array{sku: string, quantity: int, price: int}>}  $data
     */
    public function replace(Order $order, array $data): Order
    {
        return DB::transaction(function () use ($order, $data): Order {
            $order->fill(['customer' => $data['customer'], 'total' => $this->total($data['lines'])]);
            // By query, since a model without changes sends none: the update locks the row, so that two replacements of one
            // order come after each other, and it tells whether the order is still there.
            $found = Order::whereKey($order->id)->update($order->only(['customer', 'total']));
            abort_if($found === 0, 404);
            $order->lines()->delete();
            $this->writeLines($order, $data['lines']);

            return $order;
        });
    }

    /**
     * All lines by one statement; `createMany` would send one for each.
     *
     * @param  list<array{sku: string, quantity: int, price: int}>  $lines
     */
    private function writeLines(Order $order, array $lines): void
    {
        $lines = $order->lines()->makeMany(
            collect($lines)->map(fn (array $line, int $position): array => [...$line, 'position' => $position]),
        );
        OrderLine::insert($lines->toArray());
        $order->setRelation('lines', $lines);
    }

    /**
     * @param  list<array{quantity: int, price: int}>  $lines
     */
    private function total(array $lines): int
    {
        return collect($lines)->sum(fn (array $line): int => $line['quantity'] * $line['price']);
    }
}
