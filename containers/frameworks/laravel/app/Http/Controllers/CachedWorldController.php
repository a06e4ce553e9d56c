<?php

namespace App\Http\Controllers;

use App\Http\Resources\WorldResource;
use App\Models\CachedWorld;
use Illuminate\Http\Request;
use Illuminate\Http\Resources\Json\AnonymousResourceCollection;
use Illuminate\Support\Collection;

class CachedWorldController extends Controller
{
    public function __invoke(Request $request): AnonymousResourceCollection
    {
        $worlds = Collection::times(
            $this->rowCount($request->query('count')),
            fn (): CachedWorld => CachedWorld::cached(CachedWorld::randomId()),
        );

        return WorldResource::collection($worlds);
    }
}
