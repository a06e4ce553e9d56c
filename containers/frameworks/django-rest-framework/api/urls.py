from django.urls import path

from api.views import basics, cpu, fortunes, orders, upstream, worlds

urlpatterns = [
    path("health", basics.Health.as_view()),
    path("plaintext", basics.Plaintext.as_view()),
    path("json", basics.Json.as_view()),
    path("db", worlds.Db.as_view()),
    path("queries", worlds.Queries.as_view()),
    path("updates", worlds.Updates.as_view()),
    path("cached-queries", worlds.CachedQueries.as_view()),
    path("fortunes", fortunes.Fortunes.as_view()),
    path("orders", orders.Orders.as_view()),
    path("orders/<int:id>", orders.OneOrder.as_view()),
    path("cpu", cpu.Cpu.as_view()),
    path("upstream", upstream.Upstream.as_view()),
]
