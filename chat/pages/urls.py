"""Addresses of the chat pages."""

from __future__ import annotations

from django.urls import path

from chat.pages import views

app_name = "chat"

urlpatterns = [
    path("", views.new_conversation, name="home"),
    path("conversations/", views.conversations, name="conversations"),
    path("c/<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("c/<uuid:conversation_id>/turn/<uuid:stage_id>/", views.turn, name="turn"),
    path("c/<uuid:conversation_id>/rename/", views.rename, name="rename"),
    path("c/<uuid:conversation_id>/delete/", views.delete, name="delete"),
]
