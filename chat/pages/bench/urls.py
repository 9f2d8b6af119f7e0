"""Addresses of the bench's pages."""

from __future__ import annotations

from django.urls import path

from chat.pages.bench import making, runs, suites

app_name = "bench"

urlpatterns = [
    path("", suites.home, name="home"),
    path("suites/new/", suites.new, name="new_suite"),
    path("suites/<int:suite_id>/", suites.suite, name="suite"),
    path("suites/<int:suite_id>/edit/", suites.edit, name="edit_suite"),
    path("suites/<int:suite_id>/delete/", suites.delete, name="delete_suite"),
    path("suites/<int:suite_id>/download/", suites.download, name="download"),
    path("suites/<int:suite_id>/run/", suites.start, name="start"),
    path("shipped/<slug:name>/", suites.shipped, name="shipped"),
    path("shipped/<slug:name>/download/", suites.download_shipped, name="download_shipped"),
    path("shipped/<slug:name>/run/", suites.start_shipped, name="start_shipped"),
    path("runs/<uuid:run_id>/", runs.run, name="run"),
    path("runs/<uuid:run_id>/export/<slug:form>/", runs.export, name="export"),
    path("runs/<uuid:run_id>/stop/", runs.stop, name="stop_run"),
    path("runs/<uuid:run_id>/resume/", runs.resume, name="resume_run"),
    path("runs/<uuid:run_id>/again/", runs.again, name="again"),
    path("runs/<uuid:run_id>/delete/", runs.delete, name="delete_run"),
    path("from/<uuid:conversation_id>/", making.make_case, name="make_case"),
]
