<?php

namespace App\Http\Controllers;

use App\Models\Fortune;
use Illuminate\Contracts\View\View;

class FortuneController extends Controller
{
    public function __invoke(): View
    {
        $fortunes = Fortune::all();
        // Not saved: it exists in this answer alone.
        $fortunes->push(new Fortune(['id' => 0, 'message' => 'Additional fortune added at request time.']));

        return view('fortunes', ['fortunes' => $fortunes->sortBy('message', SORT_STRING)]);
    }
}
