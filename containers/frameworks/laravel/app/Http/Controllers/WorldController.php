<?php

namespace App\Http\Controllers;

use App\Http\Resources\WorldResource;
use App\Models\World;
use Illuminate\Http\Request;
use Illuminate\Http\Resources\Json\AnonymousResourceCollection;
use Illuminate\Support\Collection;

class WorldController extends Controller
{
    public function show(): WorldResource
    {
        return new WorldResource(World::findOrFail(World::randomId()));
    }

    public function index(Request $request): AnonymousResourceCollection
    {
        $worlds = Collection::times(
            $this->rowCount($request->query('queries')),
            fn (): World => World::findOrFail(World::randomId()),
        );

        return WorldResource::collection($worlds);
    }

    public function update(Request $request): AnonymousResourceCollection
    {
        $ids = World::randomIds($this->rowCount($request->query('queries')));
        // In the order of their ids: two requests that lock the same rows in different orders deadlock.
        sort($ids);

        $worlds = collect($ids)->map(function (int $id): World {
            $world = World::findOrFail($id);
            $world->randomnumber = World::randomNumber();

            return $world;
        });
        World::upsert($worlds->toArray(), uniqueBy: 'id', update: ['randomnumber']);

        return WorldResource::collection($worlds);
    }
}
