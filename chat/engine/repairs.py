"""Every deviation of a model server that Toolbench mends: its code, and the sentence that tells it.

docs/servers.md holds the same table; a test keeps them equal.
"""

from __future__ import annotations

from chat.engine.completions import RepairDelta
from chat.engine.redaction import redact

RAW_LIMIT = 1000
# Keys removed are shorter than they were: so much is looked at that none is cut within the limit.
_LOOKED_AT = 8 * RAW_LIMIT

SENTENCES = {
    # How the answer is framed.
    "bare_line": "A piece of the answer came on a line without “data:”; it was read as one.",
    "blank_line_missing": "Events came without the blank line between them; they were kept apart.",
    "line_indented": "A line of the event stream was indented; the blanks were left out.",
    "error_field": "A failure came in a field “error:” of its own; it was read as a failure.",
    "done_missing": "The stream ended without [DONE]; its finish reason was taken for its end.",
    "data_after_done": "The server sent more after [DONE]; it was left out.",
    "stream_ignored": "A stream was asked for and a whole answer came; it was read whole.",
    "stream_as_json": "An event stream came under the content type of JSON; it was read as it is.",
    "message_in_stream": "A chunk held “message” where “delta” belongs; it was read as one.",
    "encoding_unasked": "The answer came compressed as {encoding}, unasked; it was unpacked.",
    "chunks_joined": "Several chunks came in one event; they were read one after another.",
    "idle_data": "An event held nothing of an answer, to keep the connection awake; it was left "
    "out.",
    "invalid_utf8": "Bytes that are no UTF-8 were replaced by U+FFFD.",
    "loose_json": "A chunk was no strict JSON; it was read all the same.",
    # What the chunks hold.
    "error_in_stream": "The server reported an error inside a stream that had begun well.",
    "delta_missing": "A choice came without a delta; it was passed over.",
    "further_choices": "The server sent more than one answer; only the first was read.",
    "message_beside_delta": "The whole answer so far came beside each piece; it was left out.",
    "choice_text": "Text came in “text” of the choice, not in its delta; it was read from there.",
    "content_object": "The content came as an object; its JSON text was taken.",
    "content_parts": "The content came as a list of parts; their text was joined.",
    "content_part_unknown": "A part of the content is no text ({kind}); it was left out.",
    "reasoning_repeated": "The reasoning came in two fields at once; it was read once.",
    "reasoning_details": "The reasoning came in “reasoning_details” alone; it was read there.",
    "finish_reason_missing": "The answer ended without a finish reason.",
    "finish_reason_foreign": "The finish reason “{original}” is the server's own; "
    "it was read as “{reason}”.",
    "finish_reason_changed": "Two finish reasons came; the last one was taken.",
    "usage_cumulative": "Token counts came more than once; the last ones were taken.",
    "usage_elsewhere": "Token counts came in “{field}”; they were read there.",
    "nul_replaced": "A NUL character was replaced by U+FFFD.",
    "lone_surrogate_replaced": "Half of a surrogate pair was replaced by U+FFFD.",
    # Tool calls.
    "function_call_legacy": "A tool call came in the old field “function_call”; it was read there.",
    "tool_calls_object": "“tool_calls” came as an object, not as a list; it was read as one call.",
    "tool_call_flat": "A tool call came without “function”; its fields were read from the call.",
    "tool_index_missing": "Tool calls came without an index; they were told apart by their ids "
    "and names.",
    "tool_index_text": "The index of a tool call came as text; its number was taken.",
    "tool_index_reused": "Two tool calls came under one index; they were kept apart.",
    "tool_index_changed": "One tool call came under two indexes; its pieces were joined.",
    "tool_index_gap": "The indexes of the tool calls skip numbers; the calls were counted anew.",
    "tool_id_missing": "A tool call came without an id; it was given one.",
    "tool_id_late": "The id of a tool call came after its beginning; the call keeps the one that "
    "it was given.",
    "tool_id_reused": "A tool call came with the id of another call; it was given one of its own.",
    "tool_id_changed": "The id of a tool call changed in its course; the first one was kept.",
    "tool_id_long": "The id of a tool call is too long; the call was given another.",
    "name_repeated": "The name of a tool came again with later pieces; it was taken once.",
    "name_split": "The name of a tool came in pieces; they were joined.",
    "name_cut": "The name of a tool was cut at {limit} characters.",
    "name_missing": "A tool call came without a name.",
    "args_not_object": "The arguments of a tool call came as JSON of their own, not as text; "
    "their text was taken.",
    "args_elsewhere": "The arguments of a tool call came in “{field}”; they were read there.",
    "args_replaced": "The arguments of a tool call came a second time, whole; the last were taken.",
    "args_repeated": "The arguments of a tool call came again, the same; they were taken once.",
    "args_empty": "A tool call came without arguments; it was read as {{}}.",
    "args_cut": "The arguments of a tool call were cut at {limit} bytes.",
    "too_many_tool_calls": "Tool calls after the {limit}th of a turn were left out.",
    "tool_call_unasked": "The model called a tool although none was offered; the call was left "
    "out.",
    "args_repaired_json": "The arguments of a tool call were no valid JSON; they were mended.",
    # What the model wrote as text.
    "text_tool_call": "The model wrote a tool call as text (dialect {dialect}); it was read as a "
    "call.",
    "thought_unopened": "A thought was closed that had not been opened; what came before it is "
    "taken for the thought.",
    "text_after_calls": "What stood between or after calls written as text is no answer; it was "
    "left out.",
    "stray_token": "A mark of the model's chat format stood at the edge of the answer; it was left "
    "out.",
    "message_to_others": "The model wrote a message to somebody who is not here; it was left out.",
}


def repair(code: str, raw: str | bytes = "", *, secret: str = "", **words: object) -> RepairDelta:
    """The repair of this code (`text_tool_call:hermes` names its dialect), bounded, key removed."""
    name, _, dialect = code.partition(":")
    sentence = SENTENCES[name]
    if dialect:
        words["dialect"] = dialect
    return RepairDelta(code, sentence.format(**words), bounded_raw(raw, secret))


def bounded_raw(raw: str | bytes, secret: str = "") -> str:
    """What came, as text that can be stored: at most 1,000 characters, without the key."""
    if isinstance(raw, bytes):
        raw = raw[: _LOOKED_AT + len(secret)].decode("utf-8", "replace")
    text = redact(raw[: _LOOKED_AT + len(secret)], secret).replace("\x00", "\ufffd")
    return text if len(text) <= RAW_LIMIT else text[: RAW_LIMIT - 1] + "…"


class RepairLog:
    """The repairs of one answer: each code is told once, with what first caused it, and counted."""

    def __init__(self, secret: str = "") -> None:
        self.counts: dict[str, int] = {}
        self.raw: bytes = b""
        """What is being read now: the cause of what is noted."""
        self.untold: list[RepairDelta] = []
        self._secret = secret

    def note(self, code: str, raw: bytes | None = None, **words: object) -> None:
        """Count a repair; the first one of its code is to be told."""
        count = self.counts.get(code, 0)
        self.counts[code] = count + 1
        if not count:
            cause = self.raw if raw is None else raw
            self.untold.append(repair(code, cause, secret=self._secret, **words))

    def take(self) -> list[RepairDelta]:
        """The repairs that were not told yet."""
        untold, self.untold = self.untold, []
        return untold
