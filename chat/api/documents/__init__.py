"""The API's own description: OpenAPI for HTTP, AsyncAPI for the websocket, and a page to read."""
