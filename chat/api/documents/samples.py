"""Calls to copy: an endpoint asked with curl, a command sent with wscat."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from chat.protocol import SUBPROTOCOL

KEY = "$TOOLBENCH_KEY"
WAIT_SECONDS = 30

Sample = tuple[str, str]


def curl_sample(
    origin: str,
    method: str,
    path: str,
    operation: Mapping[str, Any],
    body: Mapping[str, Any],
) -> Iterable[Sample]:
    """One call per example of a body, or one."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
    head = f"curl -N {origin}{path}"
    if operation["security"]:
        head += f' \\\n  -H "Authorization: Bearer {KEY}"'
    if method == "get":
        yield "curl", head
    for name, example in body.get("examples", {}).items():
        sent = shlex.quote(json.dumps(example["value"], indent=2, ensure_ascii=False))
        title = "curl" if len(body["examples"]) == 1 else f"curl: {name}"
        yield title, f'{head} \\\n  -H "Content-Type: application/json" \\\n  -d {sent}'


def stream_sample(streamed: Mapping[str, Any]) -> Iterable[Sample]:
    """What a stream looks like."""
    if "example" in streamed:
        yield "Stream", streamed["example"].rstrip()


def wscat_sample(origin: str, command: Mapping[str, Any]) -> tuple[Sample, ...]:
    """A command sent over a socket of its own."""
    sent = shlex.quote(json.dumps(command, ensure_ascii=False))
    address = origin.replace("http", "ws", 1) + "/ws/"
    return (
        (
            "wscat",
            f"wscat -c {address} -s {SUBPROTOCOL} \\\n"
            f'  -H "Authorization: Bearer {KEY}" \\\n'
            f"  -w {WAIT_SECONDS} -x {sent}",
        ),
    )
