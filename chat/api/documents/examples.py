"""Examples of bodies, frames and streams; a test holds each against its schema."""

from __future__ import annotations

from typing import Any

STAGE = "6f1d1f0e-6f0d-4f3c-9a57-2b1f6a0c9d11"
CONVERSATION = "0c9a3c1e-52d4-4c5b-8a0e-7f4e7a1b2c3d"
REQUEST = "b7d3a2f4-1c5e-4a86-9f0b-3e2d1c0b9a88"
MESSAGE = "d2b0c7a9-8e41-4f6a-b3c5-0a9f8e7d6c5b"
ROUTE = "small-model"

Example = dict[str, Any]

CHAT_BODY: Example = {
    "model_container": ROUTE,
    "system_prompt": "Answer in one sentence.",
    "user_prompt": "Why is the sky blue?",
    "max_tokens": [256, 256],
    "temperature": [0.0, 0.0],
}
TOOLCHAIN_BODY: Example = {
    "model_container": ROUTE,
    "system_prompt": "Use the tools.",
    "user_prompt": "What is 12 times 13?",
    "synthesis": True,
}


def _chunk(phase: str, **delta: Any) -> Example:
    return {
        "id": f"chatcmpl-{STAGE.replace('-', '')}-{phase}-1",
        "object": "chat.completion.chunk",
        "created": 1_795_168_800,
        "model": "small",
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }


SSE_TEXT: Example = {"stage_id": STAGE, "chunk": _chunk("chat", content="Because air")}
SSE_TOOL_TEXT: Example = {
    "stage_id": STAGE,
    "tool_results": _chunk(
        "tools",
        tool_calls=[
            {
                "index": 0,
                "id": "call_1",
                "type": "function",
                "function": {"name": "calculate", "arguments": '{"expression": "12*13"}'},
            }
        ],
    ),
}
SSE_SUMMARY: Example = {"stage_id": STAGE, "tool_summary": {"call_1": "156"}}
SSE_END: Example = {"stage_id": STAGE}
SSE_ERROR: Example = {
    "stage_id": STAGE,
    "error": "The model server did not answer. Try again, or choose another route.",
    "code": "upstream_unreachable",
}

TEXT_ANSWER: Example = {
    "stage_id": STAGE,
    "type": "text",
    "text": "Air scatters blue light more than red.",
}
TOOL_RESULTS_ANSWER: Example = {
    "stage_id": STAGE,
    "type": "tool_results",
    "tool_results": {"call_1": "156"},
}
FAILURE_ANSWER: Example = {
    "stage_id": STAGE,
    "type": "error",
    "code": "upstream_timeout",
    "message": "The model server took too long. Try again, or choose another route.",
}
PROBLEMS: dict[int, Example] = {
    400: {
        "type": "error",
        "code": "unknown_route",
        "message": f"There is no model route “big-model”. Available: {ROUTE}.",
    },
    409: {
        "type": "error",
        "code": "request_id_reused",
        "message": "This stage_id was used before. Leave it out, or send a new one with each "
        "request.",
        "stage_id": STAGE,
    },
    422: {
        "type": "error",
        "code": "invalid_request",
        "message": "The body does not validate: user_prompt: Field required",
        "errors": [{"loc": "user_prompt", "msg": "Field required"}],
    },
    429: {
        "type": "error",
        "code": "rate_limited",
        "message": "Too many requests came. Wait 12 s, then send this one again.",
    },
}
READY: Example = {"status": "ready", "model_servers": {ROUTE: {"status": "online"}}}
DRAINING: Example = {"status": "draining"}

# --- the gateway ---

MODEL: Example = {
    "id": ROUTE,
    "object": "model",
    "created": 1_795_168_800,
    "owned_by": "toolbench",
}
MODELS: Example = {"object": "list", "data": [MODEL]}
_QUESTION: Example = {"role": "user", "content": "What is 12 times 13?"}
COMPLETION_BODY: Example = {"model": ROUTE, "messages": [_QUESTION]}
_TOOL: Example = {
    "type": "function",
    "function": {
        "name": "multiply",
        "description": "Multiplies two numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
        },
    },
}
OWN_TOOLS_BODY: Example = {**COMPLETION_BODY, "tools": [_TOOL], "stream": True}
OUR_TOOLS_BODY: Example = {**COMPLETION_BODY, "toolbench": {"tools": ["calculate"]}}
_HEAD: Example = {
    "id": f"chatcmpl-{STAGE.replace('-', '')}",
    "created": 1_795_168_800,
    "model": ROUTE,
}
USAGE: Example = {
    "prompt_tokens": 31,
    "completion_tokens": 9,
    "total_tokens": 40,
    "completion_tokens_details": {"reasoning_tokens": 0},
}
COMPLETION: Example = {
    **_HEAD,
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "156.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": USAGE,
}
COMPLETION_CHUNK: Example = {
    **_HEAD,
    "object": "chat.completion.chunk",
    "choices": [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": "156."},
            "logprobs": None,
            "finish_reason": None,
        }
    ],
}
ERROR_ENVELOPE: Example = {
    "error": {
        "message": "“model” is missing.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "missing_required_parameter",
    }
}

# --- the websocket ---

COMMANDS: dict[str, Example] = {
    "stage.start": {
        "type": "stage.start",
        "request_id": REQUEST,
        "mode": "toolchain",
        "synthesis": True,
        "prompt": "What is 12 times 13?",
        "tools": ["calculate"],
    },
    "stage.subscribe": {"type": "stage.subscribe", "stage_id": STAGE, "after": 17},
    "stage.unsubscribe": {"type": "stage.unsubscribe", "stage_id": STAGE},
    "conversation.subscribe": {
        "type": "conversation.subscribe",
        "conversation_id": CONVERSATION,
    },
    "conversation.unsubscribe": {
        "type": "conversation.unsubscribe",
        "conversation_id": CONVERSATION,
    },
    "stage.cancel": {"type": "stage.cancel", "stage_id": STAGE},
    "tool_call.decide": {
        "type": "tool_call.decide",
        "stage_id": STAGE,
        "call_id": "call_1",
        "approve": True,
    },
    "ping": {"type": "ping"},
}

FRAMES: dict[str, Example] = {
    "StageAccepted": {
        "type": "accepted",
        "request_id": REQUEST,
        "stage_id": STAGE,
        "conversation_id": CONVERSATION,
    },
    "CancelAccepted": {"type": "accepted", "stage_id": STAGE, "status": "running"},
    "StageSubscribed": {
        "type": "subscribed",
        "stage_id": STAGE,
        "status": "running",
        "last_sequence_number": 42,
        "recovered": True,
    },
    "ConversationSubscribed": {
        "type": "subscribed",
        "conversation_id": CONVERSATION,
        "stages": [{"stage_id": STAGE, "status": "running", "last_sequence_number": 42}],
    },
    "StageUnsubscribed": {"type": "unsubscribed", "stage_id": STAGE},
    "ConversationUnsubscribed": {"type": "unsubscribed", "conversation_id": CONVERSATION},
    "StageNews": {
        "type": "stage",
        "conversation_id": CONVERSATION,
        "stage_id": STAGE,
        "status": "done",
    },
    "Pong": {"type": "pong", "stages": {STAGE: 42}},
    "Rejected": {
        "type": "rejected",
        "request_id": REQUEST,
        "code": "conversation_busy",
        "message": "A stage of this conversation is still running. Wait for its end or stop it.",
        "errors": [],
        "stage_id": STAGE,
    },
    "Unavailable": {
        "type": "unavailable",
        "stage_id": STAGE,
        "message": "The database cannot be written, so this stage was stopped.",
    },
    "Html": {
        "type": "html",
        "stage_id": STAGE,
        "round": 1,
        "phase": "chat",
        "through": 5,
        "from_block": 0,
        "blocks": ["<p>Because air scatters blue light.</p>"],
        "tail": "",
    },
}

EVENTS: dict[str, Example] = {
    "stage_started": {
        "request_id": REQUEST,
        "conversation_id": CONVERSATION,
        "mode": "toolchain",
        "synthesis": True,
        "stream": True,
        "model_route": ROUTE,
        "model": "small",
        "tools": ["calculate"],
    },
    "chat_completion_chunk": {"phase": "synthesis", "round": 2, "content": "It is 156."},
    "tool_completion_chunk": {
        "round": 1,
        "index": 0,
        "call_id": "call_1",
        "tool": "calculate",
        "arguments": '{"expr',
    },
    "deciding": {"phase": "tools", "round": 1, "withheld": 11},
    "tool_call": {
        "round": 1,
        "call_id": "call_1",
        "tool": "calculate",
        "arguments": {"expression": "12*13"},
        "raw_arguments": '{"expression": "12*13"}',
        "origin": "native",
        "valid": True,
        "errors": [],
        "repairs": [],
        "needs_approval": False,
    },
    "tool_result": {
        "round": 1,
        "call_id": "call_1",
        "tool": "calculate",
        "status": "ok",
        "content": "156",
        "duration_ms": 1,
    },
    "tool_summary": {"round": 1, "tool_summary": {"call_1": "156"}},
    "usage": {
        "round": 2,
        "phase": "synthesis",
        "input_tokens": 31,
        "output_tokens": 9,
        "total_tokens": 40,
    },
    "repair": {
        "code": "index_missing",
        "detail": "A tool call came without its index.",
        "round": 1,
        "phase": "tools",
        "raw": "",
    },
    "done": {
        "finish_reason": "stop",
        "message_id": MESSAGE,
        "content_length": 10,
        "content_sha256": "c8b0e6b3ad1f9f6b0b7e4d6b2f5f8a90f3f0d1c2b3a495867768594a3b2c1d0e",
        "timings": {"queued_ms": 2, "first_token_ms": 310, "total_ms": 1204},
    },
    "cancel": {"by": "user", "upstream_closed_ms": 1},
    "error": {
        "code": "upstream_timeout",
        "message": "The model server took too long. Try again, or choose another route.",
        "retryable": True,
    },
}
