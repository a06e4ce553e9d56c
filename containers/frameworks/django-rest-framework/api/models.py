"""The tables, which tiermark makes and fills: no migrations."""

from django.db import models

WORLD_ROWS = 10_000


class AbstractWorld(models.Model):
    id = models.IntegerField(primary_key=True)
    random_number = models.IntegerField(db_column="randomnumber")

    class Meta:
        abstract = True


class World(AbstractWorld):
    class Meta:
        managed = False
        db_table = "world"


class CachedWorld(AbstractWorld):
    class Meta:
        managed = False
        db_table = "cachedworld"


class Fortune(models.Model):
    id = models.IntegerField(primary_key=True)
    message = models.CharField(max_length=2048)

    class Meta:
        managed = False
        db_table = "fortune"


class Order(models.Model):
    id = models.AutoField(primary_key=True)
    customer = models.IntegerField()
    total = models.BigIntegerField()
    created = models.DateTimeField(db_column="created_at", auto_now_add=True)

    class Meta:
        managed = False
        db_table = "orders"


class OrderLine(models.Model):
    id = models.BigAutoField(primary_key=True)
    # Nothing for Django to do: the table has ON DELETE CASCADE.
    order = models.ForeignKey(Order, on_delete=models.DO_NOTHING, related_name="lines")
    position = models.IntegerField()
    sku = models.CharField(max_length=32)
    quantity = models.IntegerField()
    price = models.IntegerField()

    class Meta:
        managed = False
        db_table = "order_lines"
        ordering = ["position"]
