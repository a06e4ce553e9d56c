<?php

namespace App\Http\Controllers;

use App\Http\Requests\PrimeRequest;
use App\Services\PrimeCounter;
use Illuminate\Http\JsonResponse;

class PrimeController extends Controller
{
    public function __invoke(PrimeRequest $request, PrimeCounter $primes): JsonResponse
    {
        $n = $request->integer('n');

        return response()->json(['n' => $n, 'primes' => $primes->below($n)]);
    }
}
