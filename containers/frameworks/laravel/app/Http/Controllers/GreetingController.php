<?php

namespace App\Http\Controllers;

use Illuminate\Http\JsonResponse;
use Illuminate\Http\Response;

class GreetingController extends Controller
{
    public function plaintext(): Response
    {
        return response('Hello, World!')->header('Content-Type', 'text/plain');
    }

    public function json(): JsonResponse
    {
        return response()->json(['message' => 'Hello, World!']);
    }
}
