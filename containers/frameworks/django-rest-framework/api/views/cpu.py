from rest_framework.response import Response
from rest_framework.views import APIView

from api.serializers import CpuQuerySerializer


class Cpu(APIView):
    def get(self, request):
        query = CpuQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        n = query.validated_data["n"]
        return Response({"n": n, "primes": primes_below(n)})


def primes_below(n):
    count = 1 if n > 2 else 0
    for candidate in range(3, n, 2):
        divisor = 3
        while divisor * divisor <= candidate:
            if candidate % divisor == 0:
                break
            divisor += 2
        else:
            count += 1
    return count
