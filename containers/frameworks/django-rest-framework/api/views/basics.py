from rest_framework.response import Response
from rest_framework.views import APIView

from api.renderers import PlainTextRenderer


class Health(APIView):
    renderer_classes = [PlainTextRenderer]

    def get(self, request):
        return Response("OK")


class Plaintext(APIView):
    renderer_classes = [PlainTextRenderer]

    def get(self, request):
        return Response("Hello, World!")


class Json(APIView):
    def get(self, request):
        return Response({"message": "Hello, World!"})
