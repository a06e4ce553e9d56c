import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from rest_framework.response import Response
from rest_framework.views import APIView

from api.errors import BadGateway, NoUpstream
from api.serializers import UpstreamQuerySerializer

client = requests.Session()
# It would look for proxies and passwords in the environment and in files, at each request.
client.trust_env = False
# Of the connections, 10 are kept by default.
client.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=1024))


class Upstream(APIView):
    def get(self, request):
        if settings.UPSTREAM_URL is None:
            raise NoUpstream
        query = UpstreamQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        try:
            answer = client.get(f"{settings.UPSTREAM_URL}/delay", params=query.validated_data, timeout=15)
            answer.raise_for_status()
            return Response(answer.json())
        except requests.RequestException as error:
            raise BadGateway from error
