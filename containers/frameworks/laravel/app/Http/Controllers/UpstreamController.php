<?php

namespace App\Http\Controllers;

use App\Http\Requests\UpstreamRequest;
use Illuminate\Http\Client\HttpClientException;
use Illuminate\Http\JsonResponse;
use Illuminate\Support\Facades\Http;

class UpstreamController extends Controller
{
    public function __invoke(UpstreamRequest $request): JsonResponse
    {
        $url = config('services.upstream.url');
        abort_if($url === null, 503, 'No UPSTREAM_URL is set.');

        try {
            $answer = Http::baseUrl($url)
                ->timeout(15)
                ->get('/delay', ['ms' => $request->integer('ms')])
                ->throwUnlessStatus(200);
        } catch (HttpClientException $exception) {
            report($exception);
            abort(502, 'The upstream service did not answer.');
        }

        return response()->json($answer->json());
    }
}
