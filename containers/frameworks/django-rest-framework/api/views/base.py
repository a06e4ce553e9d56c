from django.conf import settings
from rest_framework.views import APIView

from api.errors import NoDatabase


class DatabaseView(APIView):
    """A view that needs the database."""

    def initial(self, request, *args, **kwargs):
        if not settings.DATABASES["default"].get("NAME"):
            raise NoDatabase
        super().initial(request, *args, **kwargs)
