"""The Django REST Framework reference server of tiermark; what it answers is stated in containers/CONTRACT.md."""
