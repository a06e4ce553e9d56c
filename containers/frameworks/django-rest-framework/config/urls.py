from django.urls import include, path

urlpatterns = [path("", include("api.urls"))]

# As JSON, which Django REST Framework documents for APIs.
handler400 = "rest_framework.exceptions.bad_request"
handler500 = "rest_framework.exceptions.server_error"
