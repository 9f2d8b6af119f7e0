"""What each field means, in a sentence: by its name, and by its model where that differs."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel


def words_of(model: type[BaseModel], field: str) -> str:
    """What a field means; empty where nothing is said of it here."""
    return OF_MODEL.get(model.__name__, {}).get(field) or OF_FIELD.get(field, "")


OF_FIELD: Mapping[str, str] = {
    "arguments": "The arguments as JSON text.",
    "blocks": "Finished blocks as HTML, from `from_block` on.",
    "call_id": "The call's id, unique in the conversation.",
    "code": "What went wrong, for a program.",
    "content": "Text that a person reads.",
    "conversation_id": "The conversation.",
    "created": "When it began, in seconds since 1970.",
    "data": "The event's own fields.",
    "errors": "Where what was sent is at fault, field by field.",
    "finish_reason": "Why the model stopped.",
    "html": "Whether `html` frames come too.",
    "id": "Its id.",
    "index": "Its place among its like.",
    "last_sequence_number": "The number of the stage's last stored event; 0: none.",
    "loc": "The field, with dots between the parts of its path.",
    "message": "What went wrong and what to do, for a person.",
    "mode": "`chat`: text. `toolchain`: the model may call tools.",
    "model": "The model's name at its server.",
    "model_route": "A route's slug.",
    "msg": "What is wrong with it.",
    "name": "The name.",
    "object": "What this object is.",
    "phase": "The part of the stage: `chat`, `tools` (calling) or `synthesis` (answering from the "
    "results).",
    "reasoning": "What the model thinks before it answers, where the server tells it.",
    "reasoning_content": "What the model thinks before it answers, where the server tells it.",
    "reasoning_tokens": "Of the tokens written, those of reasoning.",
    "refusal": "Always null: nothing is refused in a field of its own.",
    "logprobs": "Always null: log probabilities are not passed on.",
    "request_id": "The id that you gave the start.",
    "role": "Whose message it is.",
    "round": "The upstream request of the stage, from 1.",
    "stage_id": "The stage.",
    "status": "Where the stage stands; it has ended with `done`, `cancel` or `error`.",
    "stream": "Whether text comes in pieces.",
    "synthesis": "Whether the model answers from the tools' results; toolchain only.",
    "tool": "The tool's name.",
    "tool_calls": "The calls of tools.",
    "tool_summary": "What the tools gave, by call id.",
    "toolbench": "Where tools were run here: which stage, and what it did.",
    "tools": "The tools that are offered.",
    "total_tokens": "Both together.",
    "type": "What this object is.",
    "usage": "Token counts, where the model server told them.",
}

_SETTING = "`[tool, synthesis]`; in mode chat the first counts. A null, or none: the route's."

OF_MODEL: Mapping[str, Mapping[str, str]] = {
    # --- commands ---
    "StageStart": {
        "request_id": "An id of yours. The same id with the same body again starts nothing and is "
        "answered the same.",
        "conversation_id": "Where it belongs; null or none: a new conversation.",
        "stream": "Whether text comes in pieces, or in one.",
        "model_route": "A route's slug; none: the default route.",
        "prompt": "What the model should answer.",
        "system_prompt": "What the model is told before all else; none: the route's.",
        "tools": "Names of the tools to offer; none: all that you may use.",
        "temperature": _SETTING,
        "max_tokens": _SETTING,
        "parent_message_id": "The message that this one follows; none: the conversation's last.",
        "retry_of": "A stage whose prompt is answered again.",
        "continue_of": "A stage whose text is continued.",
    },
    "StageSubscribe": {
        "after": "The number of the last event you have; 0: from the first.",
    },
    # --- events ---
    "StageStarted": {
        "request_id": "The id that the start was given.",
        "tools": "The names of the tools that are offered.",
    },
    "ToolCompletionChunk": {
        "index": "The call's place in its round.",
        "tool": "The tool's name, once it is known.",
        "arguments": "A piece of the raw text of the arguments.",
    },
    "Deciding": {"withheld": "How many characters are withheld at that moment."},
    "ToolCallEvent": {
        "upstream_id": "The id that the model server gave the call, where ours is another.",
        "arguments": "The arguments; null where the raw text is no JSON object.",
        "raw_arguments": "The arguments as the model wrote them.",
        "origin": "`native`, or `text:` and the dialect in which it was written.",
        "valid": "Whether the arguments fit the tool's schema; others are not run.",
        "errors": "What does not fit.",
        "repairs": "What was mended.",
        "was": "Where broken JSON was mended: by name, the values as they were written.",
        "needs_approval": "Reserved: always false until there are approvals.",
    },
    "ToolResultEvent": {
        "status": "How it ended. `lost`: a crash, it may or may not have run. `handed_over`: the "
        "caller runs it.",
        "content": "What the model reads of it.",
        "error": "What went wrong, for a person.",
        "duration_ms": "How long it took, in milliseconds.",
    },
    "UsageEvent": {
        "input_tokens": "Tokens read.",
        "output_tokens": "Tokens written.",
    },
    "RepairEvent": {
        "code": "Which deviation of the model server it was.",
        "detail": "What was mended, in a sentence.",
        "raw": "The bytes that caused it, at most 1,000 characters.",
    },
    "Done": {
        "message_id": "The message that the text was stored as.",
        "content_length": "The message's length in Unicode code points.",
        "content_sha256": "The SHA-256 of the message in UTF-8, in hex.",
        "timings": "How long it took.",
    },
    "Timings": {
        "queued_ms": "Until the first request went out.",
        "first_token_ms": "Until the first token came; null: none came.",
        "total_ms": "Until its end.",
    },
    "Cancel": {
        "by": "Who stopped it.",
        "upstream_closed_ms": "How long it took to close the request to the model server; null: "
        "none was open.",
    },
    "ErrorEvent": {
        "retryable": "Whether the same may go well the next time.",
        "detail": "What the model server said, for whom it helps.",
    },
    # --- frames ---
    "StageSubscribed": {
        "recovered": "Whether the events above `after` follow without a gap. False: the stage has "
        "no such number (all its events follow), or its events were removed (none do).",
    },
    "ConversationSubscribed": {"stages": "Its stages that have not ended."},
    "Pong": {"stages": "The last number of each open subscription, by stage id."},
    "Rejected": {
        "request_id": "The id of the command, where it had one.",
        "stage_id": "The stage that it is about, or that stands in the way.",
        "conversation_id": "The conversation that it is about.",
        "retry_after": "How many seconds to wait, with `rate_limited`.",
    },
    "Html": {
        "through": "The number of the last event that is in it; never one that was not yet sent.",
        "from_block": "The block from which on to replace what you have; 0 with the first frame.",
        "tail": "The unfinished rest as HTML; empty in the last frame.",
    },
    "Envelope": {
        "type": "Always `event`.",
        "v": "The version of this envelope.",
        "sequence_number": "The event's number: from 1, growing by 1 without a gap.",
        "ts": "When it happened, in UTC.",
        "event": "Which event it is.",
    },
    # --- the origin's endpoints ---
    "StageBody": {
        "system_prompt": "What the model is told before all else.",
        "user_prompt": "What the model should answer.",
    },
    "ProblemBody": {"stage_id": "The stage that it is about."},
    "TextAnswer": {"text": "What the model answered."},
    "ToolResultsAnswer": {"tool_results": "What the tools gave, by call id."},
    "DeltaFunction": {"name": "The tool's name.", "arguments": "A piece of the arguments' text."},
    "DeltaToolCall": {"index": "The call's place in its round.", "function": "What is called."},
    "StageDelta": {"tool_calls": "A piece of a call."},
    "StageChoice": {"delta": "What it adds.", "finish_reason": "Always null: `done` says it."},
    "StageChunk": {
        "id": "One per upstream request of the stage.",
        "choices": "Always one.",
    },
    "SseText": {"chunk": "What it adds to the text."},
    "SseToolText": {"tool_results": "What it adds to the text or to a call."},
    "SseError": {"error": "What went wrong and what to do, for a person."},
    "ModelServer": {
        "status": "What the last check found; `unknown`: none was made yet, or one is under way.",
        "error": "Why it is not online; for admins only.",
    },
    "Ready": {
        "status": "Always `ready`.",
        "model_servers": "The enabled routes, by slug.",
    },
    "Draining": {"status": "Always `draining`."},
    # --- the gateway, what is sent ---
    "ModelEntry": {
        "id": "The route's slug.",
        "created": "When the route was made, in seconds since 1970.",
        "owned_by": "Always `toolbench`.",
    },
    "ModelList": {"data": "One entry per route, by slug."},
    "CalledFunction": {"name": "The tool's name."},
    "CompletionToolCall": {
        "id": "The call's id; name it in the message that answers it.",
        "function": "What is called.",
    },
    "CompletionMessage": {
        "content": "The text; null where there are only calls.",
        "tool_calls": "Calls for you to run.",
    },
    "CompletionChoice": {"message": "The answer."},
    "Usage": {
        "prompt_tokens": "Tokens read.",
        "completion_tokens": "Tokens written.",
        "completion_tokens_details": "What they were written for.",
    },
    "ExecutedCall": {
        "arguments": "The arguments it was run with; null where they were no JSON object.",
        "status": "How it ended.",
        "result": "What the model read of it.",
    },
    "Extension": {
        "tool_calls": "The calls that were run here.",
        "repairs": "Codes of what was mended, each once.",
    },
    "Completion": {
        "id": "Its id, made of the stage's.",
        "choices": "Always one.",
        "model": "What you asked for.",
    },
    "ChunkToolCall": {"function": "What is called."},
    "CompletionDelta": {
        "role": "In the first chunk only.",
        "content": "Text; null in a first chunk that begins with a call.",
        "tool_calls": "Calls for you to run, each whole.",
    },
    "ChunkChoice": {"delta": "What it adds.", "finish_reason": "Null but in the last one."},
    "CompletionChunk": {
        "id": "The same in all chunks of an answer.",
        "choices": "One; none in the chunk of the counts.",
        "model": "What you asked for.",
        "usage": "With `include_usage`: null, and the counts in the last chunk.",
    },
    "ErrorDetails": {
        "type": "Its kind.",
        "param": "The field at fault, where it is one.",
    },
    "ErrorEnvelope": {"error": "What went wrong."},
    # --- the gateway, what is taken ---
    "ChatCompletionRequest": {
        "model": "A route's slug.",
        "messages": "The conversation so far, what is to be answered last.",
        "temperature": "How freely the model chooses; none: the route's.",
        "top_p": "Sent on to the model server.",
        "max_tokens": "The most tokens of an answer; `max_completion_tokens` wins.",
        "max_completion_tokens": "The most tokens of an answer; none: the route's.",
        "stop": "Texts at which the model stops. Sent on to the model server.",
        "seed": "Sent on to the model server.",
        "presence_penalty": "Sent on to the model server.",
        "frequency_penalty": "Sent on to the model server.",
        "logit_bias": "Sent on to the model server.",
        "response_format": "The form of the answer's text. Sent on to the model server.",
        "reasoning_effort": "Sent on to the model server.",
        "verbosity": "Sent on to the model server.",
        "tools": "Tools that you run yourself: their calls are handed to you.",
        "tool_choice": "Whether the model may or must call, or which tool.",
        "parallel_tool_calls": "Whether several calls may come at once. Sent on with tools.",
        "stream": "Whether the answer comes in chunks.",
        "stream_options": "Details of a streamed answer.",
        "toolbench": "Not of OpenAI's: Toolbench runs its own tools and sends the answer.",
    },
    "ResponseFormat": {
        "type": "The form.",
        "json_schema": "The schema, with `json_schema`.",
    },
    "StreamOptions": {"include_usage": "Whether a last chunk brings token counts."},
    "SystemMessage": {"content": "What the model is told before all else.", "name": "Left aside."},
    "UserMessage": {"content": "What is asked.", "name": "Left aside."},
    "AssistantMessage": {
        "content": "What the model answered.",
        "refusal": "Taken where there is no content.",
        "tool_calls": "The calls that it made.",
    },
    "ToolMessage": {
        "content": "What came of the call.",
        "tool_call_id": "The call that it answers.",
        "name": "Left aside.",
    },
    "MessageToolCall": {"id": "The call's id.", "function": "What was called."},
    "FunctionCall": {
        "name": "The tool's name.",
        "arguments": "The arguments, as the model wrote them.",
    },
    "CallerTool": {"function": "What the model may call."},
    "Function": {
        "name": "The tool's name.",
        "description": "When to call it, for the model.",
        "parameters": "The JSON schema of its arguments, an object's.",
        "strict": "Sent on to the model server.",
    },
    "NamedChoice": {"function": "The one tool to call."},
    "ChosenFunction": {"name": "The tool's name."},
    "ToolbenchOptions": {"tools": "Names of tools; none: all that you may use."},
}
