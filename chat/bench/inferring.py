"""A case made of a stored conversation: what was asked, what tools gave, what is to be expected.

Expected is what happened: the calls with their arguments, in their order or side by side, and no
call where none was made. Texts are left to the person: two good answers share few words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import orjson
from django.contrib.auth.models import User

from chat.bench.asking import asks_back
from chat.bench.cases import BadSuite, Case, Suite, read_case, read_suite
from chat.models import Conversation, Message, Stage, ToolRun
from chat.services.refusals import Refused, not_found

LONGEST_ID = 60
ERROR_MARK = "[Tool Error] "


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A prompt, and the stage that answered it."""

    prompt: Message
    answer: Message
    stage: Stage
    runs: list[ToolRun]


Turns = Sequence[StoredTurn]


def infer_case(user: User, conversation_id: UUID) -> Case:
    """A case that repeats a conversation a person may read; raises Refused."""
    conversation = Conversation.objects.visible_to(user).filter(pk=conversation_id).first()
    if conversation is None:
        raise not_found("conversation")
    turns = _turns(conversation)
    if not turns:
        raise Refused("invalid_request", "This conversation has no answer yet to make a case of.")
    if any(turn.stage.caller_tools for turn in turns):
        raise Refused(
            "invalid_request",
            "The tools of this conversation were its caller's own, so no case can offer them.",
        )
    if turns[0].prompt.parent_id is not None:
        raise Refused(
            "invalid_request",
            "This conversation begins with a history that came from elsewhere; no case can give it "
            "to a model.",
        )
    try:
        return read_case(_case(conversation, turns))
    except BadSuite as error:
        raise Refused("invalid_request", f"No case can be made of it: {error}") from None


def infer_suite(user: User, conversation_ids: Sequence[UUID], name: str) -> Suite:
    """A suite of cases made of conversations, each with an id of its own; raises Refused."""
    cases: list[dict[str, Any]] = []
    taken: set[str] = set()
    for conversation_id in conversation_ids:
        case = infer_case(user, conversation_id).as_json()
        case["id"] = unused_id(case["id"], taken)
        taken.add(case["id"])
        cases.append(case)
    try:
        return read_suite({"suite": name, "cases": cases})
    except BadSuite as error:
        raise Refused("invalid_request", str(error)) from None


def unused_id(wanted: str, taken: set[str]) -> str:
    """The id, or with a number behind it where it is taken."""
    numbered = (f"{wanted}_{number}" for number in count(2))
    return wanted if wanted not in taken else next(one for one in numbered if one not in taken)


def case_id(title: str, fallback: str) -> str:
    """A title as an id."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain)[:LONGEST_ID].strip("_") or fallback


def _turns(conversation: Conversation) -> Turns:
    """The newest branch: each prompt with the stage that answered it, in four queries."""
    messages = {message.pk: message for message in conversation.messages.order_by("created_at")}
    answers = [one for one in messages.values() if one.stage_id is not None]
    stages = Stage.objects.select_related("route").in_bulk([one.stage_id for one in answers])
    runs: defaultdict[UUID, list[ToolRun]] = defaultdict(list)
    for run in ToolRun.objects.filter(stage__in=stages).order_by("id"):
        runs[run.stage_id].append(run)
    turns: list[StoredTurn] = []
    answer = answers[-1] if answers else None
    while answer is not None and answer.stage_id is not None:
        prompt = messages.get(answer.parent_id) if answer.parent_id else None
        if prompt is None:
            break
        turns.append(StoredTurn(prompt, answer, stages[answer.stage_id], runs[answer.stage_id]))
        answer = messages.get(prompt.parent_id) if prompt.parent_id else None
    turns.reverse()
    return turns


def _case(conversation: Conversation, turns: Turns) -> dict[str, Any]:
    last = turns[-1].stage
    offered = list(dict.fromkeys(name for turn in turns for name in turn.stage.tools))
    is_chat = not offered
    written = [{"prompt": turn.prompt.content, "expect": _expect(turn)} for turn in turns]
    case: dict[str, Any] = {
        "id": case_id(conversation.title, f"case_{conversation.pk.hex[:8]}"),
        "category": _category(turns, written, offered),
        "description": f"From the conversation “{conversation.title}”."[:300],
    }
    if is_chat:
        case["mode"] = "chat"
    else:
        case["tools"] = offered
        if not last.synthesis:
            case["synthesis"] = False
    if not last.stream:
        case["stream"] = False
    if last.system_prompt != last.route.system_prompt:
        case["system_prompt"] = last.system_prompt
    if len(written) == 1:
        case |= written[0]
    else:
        case["turns"] = written
    recorded = _recorded([run for turn in turns for run in turn.runs])
    if recorded:
        case["recorded"] = recorded
    return case


def _expect(turn: StoredTurn) -> dict[str, Any]:
    if turn.stage.mode == Stage.Mode.CHAT:
        return {}
    if not turn.runs:
        return {"asks": True} if asks_back(turn.answer.content) else {"no_calls": True}
    good = [run for run in turn.runs if run.valid]
    calls: list[dict[str, Any]] = [
        {"tool": run.tool, "arguments": run.arguments or {}} for run in good
    ]
    if not calls:
        return {}
    expect: dict[str, Any] = {"calls": calls}
    rounds = [run.round for run in good]
    if len(calls) > 1 and len(set(rounds)) == 1:
        expect["parallel"] = True
    elif len(set(rounds)) == len(calls) > 1:
        expect["order"] = "as_listed"
    elif len(calls) > 1:
        for call, number in zip(calls, rounds, strict=True):
            call["round"] = number
    return expect


def _recorded(runs: Sequence[ToolRun]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    for run in runs:
        if not run.valid or run.status not in (
            ToolRun.Status.OK,
            ToolRun.Status.ERROR,
            ToolRun.Status.TIMEOUT,
        ):
            continue
        one: dict[str, Any] = {
            "tool": run.tool,
            "arguments": run.arguments or {},
            "match": "exact",
        }
        if run.status == ToolRun.Status.OK:
            one["result"] = _as_value(run.whole_result or run.result)
        else:
            one["error"] = run.error or run.result.removeprefix(ERROR_MARK) or "failed"
        if one not in told:
            told.append(one)
    return told


def _as_value(text: str) -> Any:
    """JSON as a value, easier to read and change, where it is written back as the same text."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if not isinstance(value, str) and orjson.dumps(value).decode() == text else text


def _category(turns: Turns, written: Sequence[dict[str, Any]], offered: Sequence[str]) -> str:
    if len(turns) > 1:
        return "multi_turn"
    expect = written[0]["expect"]
    if expect.get("asks"):
        return "missing_parameter"
    if not expect.get("calls"):
        return "irrelevance"
    if expect.get("parallel"):
        return "parallel"
    return "multiple" if len(offered) > 1 else "simple"
