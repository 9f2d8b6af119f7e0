"""The OpenAI-compatible gateway: any OpenAI client uses the routes through it."""
