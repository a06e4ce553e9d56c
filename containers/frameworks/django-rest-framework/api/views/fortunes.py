from operator import attrgetter

from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.response import Response

from api.models import Fortune
from api.views.base import DatabaseView


class Fortunes(DatabaseView):
    renderer_classes = [TemplateHTMLRenderer]
    template_name = "fortunes.html"

    def get(self, request):
        fortunes = list(Fortune.objects.all())
        fortunes.append(Fortune(id=0, message="Additional fortune added at request time."))
        fortunes.sort(key=attrgetter("message"))
        return Response({"fortunes": fortunes})
