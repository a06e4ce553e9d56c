"""Django's settings: the template of `startproject`, less what an API without users, sessions and pages has no use for."""

import os
import secrets

from config.environment import environment

# Nothing is signed with it here; a service that signs sets it.
SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.token_urlsafe(50)
DEBUG = False
# Names are checked by the proxy in front.
ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = [
    "rest_framework",
    "api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    },
]

DATABASES = {}
if environment.database:
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.postgresql",
        **environment.database,
        # Each of gunicorn's threads keeps its connection.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # Parameters are bound by the server, and what is asked again and again is prepared there: psycopg's own threshold.
            "server_side_binding": True,
            "prepare_threshold": 5,
            "connect_timeout": 5,
        },
    }

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "TIMEOUT": None,
        # Twice the table: at its limit the cache would cull a third of its rows when one of them is stored again.
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    # What a client did wrong is no fault of the server's.
    "loggers": {"django": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
}

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    # The default is a class of django.contrib.auth.
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "api.errors.exception_handler",
}

UPSTREAM_URL = environment.upstream_url
