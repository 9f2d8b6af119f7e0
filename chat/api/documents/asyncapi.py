"""The AsyncAPI document of the websocket."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from chat import protocol
from chat.api.documents import examples, frames
from chat.api.documents.openapi import security_schemes
from chat.api.documents.parts import Model
from chat.api.documents.schemas import reference, schemas_of
from chat.api.documents.version import project_version
from chat.engine import events

INTRODUCTION = (
    "Stages live: commands go up, frames and events come down, as text frames of JSON. A client "
    "ignores events and fields that it does not know."
)
CHANNEL_WORDS = (
    "With an API key no `Origin` is needed; with a browser's session it must be there and allowed. "
    "The server accepts, then closes with a code where it refuses. A stage belongs to its "
    "conversation, not to a socket: it goes on when every socket is gone."
)

COMMANDS: tuple[Model, ...] = get_args(get_args(protocol.AnyCommand)[0])
EVENTS: tuple[type[events.EventModel], ...] = get_args(get_args(events.Event)[0])

# What each command may be answered with, besides `rejected`.
REPLIES: Mapping[Model, tuple[Model, ...]] = {
    protocol.StageStart: (frames.StageAccepted,),
    protocol.StageSubscribe: (frames.StageSubscribed,),
    protocol.StageUnsubscribe: (frames.StageUnsubscribed,),
    protocol.ConversationSubscribe: (frames.ConversationSubscribed,),
    protocol.ConversationUnsubscribe: (frames.ConversationUnsubscribed,),
    protocol.StageCancel: (frames.CancelAccepted,),
    protocol.ToolCallDecide: (),
    protocol.Ping: (frames.Pong,),
}
UNASKED: tuple[Model, ...] = (frames.StageNews, frames.Html, frames.Unavailable)
"""Frames that come by themselves, besides events."""

CLOSE_CODES: Mapping[int, str] = {
    protocol.CLOSE_LOGGED_OUT: "Not logged in, or not any more; the key is not good.",
    protocol.CLOSE_FORBIDDEN: "The origin is not allowed, or a right was withdrawn.",
    protocol.CLOSE_SLOW_READER: "You read too slowly; subscribe again.",
    protocol.CLOSE_TOO_LARGE: "A message was over 1 MiB.",
    protocol.CLOSE_TOO_MANY: "Too many commands or sockets.",
    protocol.CLOSE_GOING_DOWN: "Toolbench is being restarted; come back in a few seconds.",
}


def asyncapi_document(host: str = "localhost:8000", *, is_secure: bool = False) -> dict[str, Any]:
    """The document, for a server at this host; all else is the same in every process."""
    return {
        **_head(),
        "servers": {
            "here": {
                "host": host,
                "protocol": "wss" if is_secure else "ws",
                "description": "Where this document came from.",
                "security": [
                    {"$ref": "#/components/securitySchemes/key"},
                    {"$ref": "#/components/securitySchemes/session"},
                ],
            }
        },
        **_contract(),
    }


def _head() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Toolbench over a websocket",
            "version": project_version(),
            "description": INTRODUCTION,
        },
        "defaultContentType": "application/json",
    }


@cache
def _contract() -> dict[str, Any]:
    messages = _messages()
    return {
        "channels": {
            "socket": {
                "address": "/ws/",
                "description": CHANNEL_WORDS,
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": _binding()},
                "x-close-codes": {str(code): words for code, words in CLOSE_CODES.items()},
            }
        },
        "operations": _operations(),
        "components": {
            "schemas": _schemas(),
            "messages": messages,
            "securitySchemes": security_schemes("httpApiKey"),
        },
    }


def event_name(model: type[events.EventModel]) -> str:
    """An event's name on the wire."""
    name: str = model.model_fields["event"].default
    return name


def command_name(model: Model) -> str:
    """A command's type on the wire."""
    name: str = model.model_fields["type"].default
    return name


def sent_frames() -> tuple[Model, ...]:
    """All frames that are no events."""
    replies = [frame for answers in REPLIES.values() for frame in answers]
    return tuple(dict.fromkeys([*replies, frames.Rejected, *UNASKED]))


def _binding() -> dict[str, Any]:
    return {
        "method": "GET",
        "headers": {
            "type": "object",
            "properties": {
                "Sec-WebSocket-Protocol": {
                    "type": "string",
                    "description": f"`{protocol.SUBPROTOCOL}`; echoed if offered.",
                },
                "Authorization": {"type": "string", "description": "`Bearer` and an API key."},
                "Origin": {"type": "string", "description": "Needed without a key."},
            },
        },
        "bindingVersion": "0.1.0",
    }


def _schemas() -> dict[str, Any]:
    made = schemas_of(COMMANDS, [*sent_frames(), *EVENTS, frames.Envelope])
    return {name: _without_discriminator(schema) for name, schema in made.items()}


def _without_discriminator(schema: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI's discriminator is an object, AsyncAPI's a name; no schema here needs one."""
    assert "discriminator" not in schema
    return schema


def _messages() -> dict[str, dict[str, Any]]:
    made = {}
    envelope = schemas_of((), [frames.Envelope])["Envelope"]
    for command in COMMANDS:
        name = command_name(command)
        made[_key(name)] = _message(command, name, examples.COMMANDS[name])
    for frame in sent_frames():
        name = get_args(frame.model_fields["type"].annotation)[0]
        made[frame.__name__] = _message(frame, name, examples.FRAMES[frame.__name__])
    for event in EVENTS:
        name = event_name(event)
        made[name] = {
            "name": name,
            "title": name,
            "summary": _first_words(event),
            "payload": _event_frame(envelope, event),
            "examples": [{"payload": _enveloped(name)}],
        }
    return made


def _message(model: Model, name: str, example: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "summary": _first_words(model),
        "payload": reference(model),
        "examples": [{"payload": dict(example)}],
    }


def _event_frame(envelope: Mapping[str, Any], event: type[events.EventModel]) -> dict[str, Any]:
    """An envelope around this event's data."""
    properties = {
        **envelope["properties"],
        "event": {"const": event_name(event), "type": "string"},
        "data": reference(event),
    }
    return {"type": "object", "properties": properties, "required": envelope["required"]}


def _enveloped(name: str) -> dict[str, Any]:
    return {
        "type": "event",
        "v": 1,
        "stage_id": examples.STAGE,
        "sequence_number": 17,
        "ts": "2026-11-20T10:00:00.123Z",
        "event": name,
        "data": dict(examples.EVENTS[name]),
    }


def _operations() -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for command in COMMANDS:
        replies: list[Model] = [*REPLIES[command], frames.Rejected]
        made[f"take_{_key(command_name(command))}"] = {
            **_operation("receive", _first_words(command), [_key(command_name(command))]),
            "reply": {
                "channel": {"$ref": "#/channels/socket"},
                "messages": [_in_channel(reply.__name__) for reply in replies],
            },
        }
    made["send_events"] = _operation(
        "send",
        "Send a followed stage's events, in their order and none twice.",
        [event_name(event) for event in EVENTS],
    )
    made["send_news"] = _operation(
        "send",
        "Send what a followed stage or conversation comes to besides.",
        [frame.__name__ for frame in UNASKED],
    )
    made["send_replies"] = _operation(
        "send",
        "Answer a command.",
        [frame.__name__ for frame in sent_frames() if frame not in UNASKED],
    )
    return made


def _operation(action: str, summary: str, messages: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/socket"},
        "summary": summary,
        "messages": [_in_channel(name) for name in messages],
    }


def _in_channel(message: str) -> dict[str, str]:
    return {"$ref": f"#/channels/socket/messages/{message}"}


def _key(name: str) -> str:
    """A command's type as a key, where a dot would be taken for a path by some tools."""
    return name.replace(".", "_")


def _first_words(model: Model) -> str:
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())
