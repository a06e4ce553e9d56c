from django.db import transaction
from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from api.models import Order
from api.serializers import OrderSerializer, OrdersQuerySerializer
from api.views.base import DatabaseView


def validated(request):
    # No body at all is no JSON either; the request's data would be an empty object then.
    if request.stream is None:
        raise ParseError("the body is empty")
    serializer = OrderSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer


class Orders(DatabaseView):
    def get(self, request):
        query = OrdersQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        customer, limit = query.validated_data["customer"], query.validated_data["limit"]
        orders = Order.objects.filter(customer=customer).order_by("-id").prefetch_related("lines")[:limit]
        return Response({"orders": OrderSerializer(orders, many=True).data})

    def post(self, request):
        serializer = validated(request)
        with transaction.atomic():
            order = serializer.save()
        return Response(serializer.data, status.HTTP_201_CREATED, headers={"Location": f"/orders/{order.id}"})


class OneOrder(DatabaseView):
    def get(self, request, id):
        return Response(OrderSerializer(get_object_or_404(Order, pk=id)).data)

    def put(self, request, id):
        serializer = validated(request)
        with transaction.atomic():
            # Locked, so that two who replace the same order do so one after the other.
            serializer.instance = get_object_or_404(Order.objects.select_for_update(), pk=id)
            serializer.save()
        return Response(serializer.data)

    def delete(self, request, id):
        deleted, _ = Order.objects.filter(pk=id).delete()
        return Response(status=status.HTTP_204_NO_CONTENT if deleted else status.HTTP_404_NOT_FOUND)
