"""The bench: cases of tool calling, run over routes, judged, and counted."""
