<?php

namespace App\Http\Middleware;

use Closure;
use Illuminate\Http\Request;
use Symfony\Component\HttpFoundation\Response;

/**
 * Answers 503 where the server runs without a database.
 */
class RequireDatabase
{
    public function handle(Request $request, Closure $next): Response
    {
        abort_if(config('database.connections.pgsql.url') === null, 503, 'No DATABASE_URL is set.');

        return $next($request);
    }
}
