import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# Views are imported now, before gunicorn forks, and not by the first request of each process.
get_resolver().url_patterns
