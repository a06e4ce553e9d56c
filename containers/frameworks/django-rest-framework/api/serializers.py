"""What comes in and what goes out."""

from collections.abc import Mapping

from django.core.validators import RegexValidator
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from api.models import Order, OrderLine

INT_MAX = 2_147_483_647


class StrictSerializer(serializers.Serializer):
    """Fields that it does not know are faults like any other, named together with them."""

    def to_internal_value(self, data):
        errors = {}
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            errors = error.detail
        if isinstance(data, Mapping):
            known = {field.field_name for field in self._writable_fields}
            for name in data.keys() - known:
                errors[name] = [ErrorDetail("Unknown field.", code="unknown")]
        if errors:
            raise ValidationError(errors)
        return value


class SkuField(serializers.CharField):
    def __init__(self, **kwargs):
        super().__init__(trim_whitespace=False, validators=[RegexValidator(r"^[A-Z0-9-]{3,32}\Z", code="format")], **kwargs)

    def to_internal_value(self, data):
        # The parent would take a number for its digits.
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class WorldSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    randomNumber = serializers.IntegerField(source="random_number")


class OrderLineSerializer(StrictSerializer):
    sku = SkuField()
    quantity = serializers.IntegerField(min_value=1, max_value=1_000)
    price = serializers.IntegerField(min_value=1, max_value=10_000_000)


class OrderSerializer(StrictSerializer):
    id = serializers.IntegerField(read_only=True)
    customer = serializers.IntegerField(min_value=1, max_value=INT_MAX)
    total = serializers.IntegerField(read_only=True)
    created = serializers.DateTimeField(read_only=True)
    lines = OrderLineSerializer(many=True, min_length=1, max_length=50)

    def create(self, validated_data):
        lines = validated_data["lines"]
        order = Order.objects.create(customer=validated_data["customer"], total=total(lines))
        return self.add_lines(order, lines)

    def update(self, order, validated_data):
        lines = validated_data["lines"]
        order.customer, order.total = validated_data["customer"], total(lines)
        order.save(update_fields=["customer", "total"])
        order.lines.all().delete()
        return self.add_lines(order, lines)

    def add_lines(self, order, lines):
        OrderLine.objects.bulk_create(
            OrderLine(order=order, position=position, **line) for position, line in enumerate(lines)
        )
        return order


def total(lines):
    return sum(line["quantity"] * line["price"] for line in lines)


class OrdersQuerySerializer(serializers.Serializer):
    customer = serializers.IntegerField(min_value=1, max_value=INT_MAX)
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)


class CpuQuerySerializer(serializers.Serializer):
    n = serializers.IntegerField(min_value=0, max_value=1_000_000)


class UpstreamQuerySerializer(serializers.Serializer):
    ms = serializers.IntegerField(min_value=0, max_value=10_000)
