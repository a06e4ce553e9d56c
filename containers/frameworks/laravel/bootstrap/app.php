<?php

use App\Http\Middleware\RequireDatabase;
use App\Http\Responses\Faults;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Configuration\Exceptions;
use Illuminate\Foundation\Configuration\Middleware;
use Illuminate\Http\Request;
use Illuminate\Routing\Middleware\SubstituteBindings;
use Illuminate\Validation\ValidationException;

return Application::configure(basePath: dirname(__DIR__))
    ->withRouting(
        api: __DIR__.'/../routes/api.php',
        apiPrefix: '',
    )
    ->withMiddleware(function (Middleware $middleware): void {
        // Texts of a JSON body are judged as they were sent: an empty one is not a missing one, and a blank is a fault.
        $json = fn (Request $request): bool => $request->isJson();
        $middleware->trimStrings(except: [$json]);
        $middleware->convertEmptyStringsToNull(except: [$json]);

        // Bindings ask the database for the models of a route.
        $middleware->prependToPriorityList(before: SubstituteBindings::class, prepend: RequireDatabase::class);
    })
    ->withExceptions(function (Exceptions $exceptions): void {
        $exceptions->shouldRenderJsonWhen(fn (): bool => true);
        $exceptions->render(fn (ValidationException $exception) => Faults::from($exception));
    })->create();
