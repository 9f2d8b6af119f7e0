"""JSON and SSE endpoints: the same stages and events as on the websocket, in other encodings."""
