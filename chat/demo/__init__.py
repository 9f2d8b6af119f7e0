"""The built-in demo model: an OpenAI-compatible endpoint with no AI in it, for first steps."""
