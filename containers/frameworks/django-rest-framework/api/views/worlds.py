from random import randint, sample
from threading import Lock

from django.core.cache import cache
from django.db import transaction
from rest_framework.response import Response

from api.models import WORLD_ROWS, CachedWorld, World
from api.serializers import WorldSerializer
from api.views.base import DatabaseView


def random_id():
    return randint(1, WORLD_ROWS)


def row_count(text):
    """TechEmpower's rule: what is missing or no whole number counts as 1."""
    return min(max(int(text), 1), 500) if text.isdecimal() else 1


class Db(DatabaseView):
    def get(self, request):
        return Response(WorldSerializer(World.objects.get(pk=random_id())).data)


class Queries(DatabaseView):
    def get(self, request):
        count = row_count(request.query_params.get("queries", ""))
        worlds = [World.objects.get(pk=random_id()) for _ in range(count)]
        return Response(WorldSerializer(worlds, many=True).data)


class Updates(DatabaseView):
    def get(self, request):
        count = row_count(request.query_params.get("queries", ""))
        # In the order of their ids, so that two requests do not wait for each other's rows.
        ids = sorted(sample(range(1, WORLD_ROWS + 1), count))
        with transaction.atomic():
            # Locked as they are read: the one statement of bulk_update visits them in an order of its own.
            worlds = [World.objects.select_for_update().get(pk=id) for id in ids]
            for world in worlds:
                world.random_number = randint(1, 10_000)
            World.objects.bulk_update(worlds, ["random_number"])
        return Response(WorldSerializer(worlds, many=True).data)


class CachedQueries(DatabaseView):
    def get(self, request):
        count = row_count(request.query_params.get("count", ""))
        rows = cached_worlds([random_id() for _ in range(count)])
        return Response(WorldSerializer(rows, many=True).data)


filling = Lock()


def cached_worlds(ids):
    rows = cache.get_many(ids)
    if len(rows) < len(set(ids)):
        rows = fill_cache(ids)
    return [rows[id] for id in ids]


def fill_cache(ids):
    """Reads the whole table, at the first request or where a row has left the cache."""
    with filling:
        # Another thread may have filled it meanwhile.
        rows = cache.get_many(ids)
        if len(rows) < len(set(ids)):
            rows = {row["id"]: row for row in CachedWorld.objects.values("id", "random_number")}
            cache.set_many(rows)
        return rows
