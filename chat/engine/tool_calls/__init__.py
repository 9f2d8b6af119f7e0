"""Fragments and texts of a model to complete tool calls."""
