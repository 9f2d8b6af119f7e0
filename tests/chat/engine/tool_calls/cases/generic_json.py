"""Bare JSON as the whole turn; more of it in test_bare_json."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import FERN, FERN_CALL
from tests.chat.engine.tool_calls.cases import Case

DIALECT = "generic_json"

CASES = (
    Case("an object", raw=FERN_CALL, calls=(FERN,)),
    Case("a list", raw=f"[{FERN_CALL},\n {FERN_CALL}]", calls=(FERN, FERN)),
    Case("a fence", raw=f"```json\n{FERN_CALL}\n```", calls=(FERN,)),
    Case("a fence with blanks", raw=f"\n```json  \n\n{FERN_CALL}\n\n```\n", calls=(FERN,)),
    Case(
        "after a thought", raw=f"<think>Dry.</think>\n{FERN_CALL}", reasoning="Dry.", calls=(FERN,)
    ),
    Case("one wrapped", raw=f'{{"tool_call": {FERN_CALL}}}', calls=(FERN,)),
    Case(
        "several wrapped", raw=f'{{"tool_calls": [{FERN_CALL}, {FERN_CALL}]}}', calls=(FERN, FERN)
    ),
    Case(
        "the API's own shape",
        raw='{"id": "c1", "type": "function", "function": {"name": "look_up", '
        '"arguments": "{\\"query\\": \\"moss\\"}"}}',
        calls=(("look_up", {"query": "moss"}),),
    ),
    Case(
        "an id before the name",
        raw='{"id": "c1", "name": "water", "arguments": {"plant": "fern"}}',
        calls=(FERN,),
        ids=("c1",),
    ),
    Case(
        "an answer wrapped",
        raw='{"response": "Twice a week."}',
        text="Twice a week.",
        auto="text",
    ),
    Case("data", raw='{"plant": "fern", "litres": 2}', text='{"plant": "fern", "litres": 2}'),
    Case(
        "a description of the tool",
        raw='{"name": "water", "description": "Waters a plant.", "parameters": {}}',
        text='{"name": "water", "description": "Waters a plant.", "parameters": {}}',
    ),
    Case(
        "its schema",
        raw='{"name": "water", "parameters": {"type": "object", "properties": {"plant": {}}}}',
        text='{"name": "water", "parameters": {"type": "object", "properties": {"plant": {}}}}',
    ),
    Case(
        "an unknown name where the tools are unknown",
        raw='{"name": "fly", "arguments": {"to": "moon"}}',
        calls=(("fly", {"to": "moon"}),),
        tools=None,
    ),
    Case(
        "a schema where the tools are unknown",
        raw='{"name": "fly", "parameters": {"type": "object", "properties": {}}}',
        text='{"name": "fly", "parameters": {"type": "object", "properties": {}}}',
        tools=None,
    ),
    Case("words before", raw=f"So: {FERN_CALL}", text=f"So: {FERN_CALL}"),
    Case("nothing offered", raw=FERN_CALL, text=FERN_CALL, tools={}),
)
