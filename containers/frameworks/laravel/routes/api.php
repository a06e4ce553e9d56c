<?php

use App\Http\Controllers\CachedWorldController;
use App\Http\Controllers\FortuneController;
use App\Http\Controllers\GreetingController;
use App\Http\Controllers\HealthController;
use App\Http\Controllers\OrderController;
use App\Http\Controllers\PrimeController;
use App\Http\Controllers\UpstreamController;
use App\Http\Controllers\WorldController;
use App\Http\Middleware\RequireDatabase;
use Illuminate\Support\Facades\Route;

Route::get('/health', HealthController::class);
Route::get('/plaintext', [GreetingController::class, 'plaintext']);
Route::get('/json', [GreetingController::class, 'json']);
Route::get('/cpu', PrimeController::class);
Route::get('/upstream', UpstreamController::class);

Route::middleware(RequireDatabase::class)->group(function (): void {
    Route::get('/db', [WorldController::class, 'show']);
    Route::get('/queries', [WorldController::class, 'index']);
    Route::get('/updates', [WorldController::class, 'update']);
    Route::get('/cached-queries', CachedWorldController::class);

    // A page, but one without session, cookies or forms: it has no use for the middleware of the group `web`.
    Route::get('/fortunes', FortuneController::class);

    Route::apiResource('orders', OrderController::class);
});
