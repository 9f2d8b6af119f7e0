"""The documents are what their specifications ask for, complete, and right in their examples."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from chat import protocol
from chat.api.documents.asyncapi import EVENTS, asyncapi_document, event_name
from chat.api.documents.openapi import JSON, openapi_document
from chat.api.documents.version import project_version
from chat.api.documents.words import OF_FIELD, OF_MODEL
from chat.api.gateway.errors import ApiProblem, as_api_problem, of_cancel, of_failure
from chat.api.statuses import UPSTREAM_STATUS, problem_of
from chat.engine.events import CancelledBy, ErrorCode
from chat.services import Refused
from tests.access_matrix import patterns
from tests.chat.api.documents.held import COMPLETIONS, frame_faults, http, socket

PROGRAMS = ("stream/", "completion/", "v1/", "healthz")


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in openapi_document()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def schemas() -> dict[str, Any]:
    return {
        **openapi_document()["components"]["schemas"],
        **asyncapi_document()["components"]["schemas"],
    }


def codes_of(path: str, method: str, status: int) -> set[str]:
    reply = openapi_document()["paths"][path][method]["responses"].get(str(status), {})
    return set(reply.get("x-codes", ()))


def test_the_openapi_document_is_one_of_version_3_1() -> None:
    document = openapi_document()
    assert document["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    broken = {**document, "info": {}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


def test_the_asyncapi_document_is_one_of_version_3_0() -> None:
    with warnings.catch_warnings():
        # The library warns of names of its own.
        warnings.simplefilter("ignore")
        from asyncapi3.models.asyncapi import AsyncAPI3
    document = asyncapi_document()
    assert document["asyncapi"] == "3.0.0"
    AsyncAPI3.model_validate(document)
    with pytest.raises(ValueError, match="info"):
        AsyncAPI3.model_validate({**document, "info": {"title": "x"}})


def test_both_have_the_projects_version() -> None:
    assert openapi_document()["info"]["version"] == project_version() != ""
    assert asyncapi_document()["info"]["version"] == project_version()


@pytest.mark.parametrize("made", [openapi_document, asyncapi_document])
def test_every_reference_leads_to_something_and_every_part_is_used(made: Any) -> None:
    document = made()
    led_to = set()
    for reference in references(document):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        led_to.add(reference)
    named = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    # What every event travels in is written out with each.
    assert named - led_to <= {"#/components/schemas/Envelope"}


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            elif name == "mapping":
                yield from value.values()
            else:
                yield from references(value)
    elif isinstance(part, list):
        for one in part:
            yield from references(one)


def test_every_address_for_programs_is_documented_and_no_other() -> None:
    served = {
        "/" + pattern.replace("<uuid:stage_id>", "{stage_id}").replace("<str:slug>", "{slug}")
        for pattern in patterns()
        # What a path takes is the answer to every address that there is not.
        if pattern.startswith(PROGRAMS) and "<path:" not in pattern
    }
    assert served == set(openapi_document()["paths"])


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_object_and_field_has_words(name: str) -> None:
    schema = schemas()[name]
    assert schema.get("description")
    for field, described in schema.get("properties", {}).items():
        assert described.get("description"), f"{name}.{field} is not described"


def test_no_words_are_left_of_what_is_gone() -> None:
    for name, words in OF_MODEL.items():
        assert set(words) <= set(schemas()[name]["properties"]), name
    fields = {field for schema in schemas().values() for field in schema.get("properties", ())}
    assert set(OF_FIELD) <= fields


def test_every_example_is_what_its_schema_says() -> None:
    held = 0
    for method, path, operation in operations():
        body = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
        answers = [reply.get("content", {}).get(JSON, {}) for reply in
                   operation["responses"].values()]  # fmt: skip
        for content in (body, *answers):
            for example in content.get("examples", {}).values():
                faults = http().faults(example["value"], content["schema"])
                assert faults == [], (method, path)
                held += 1
    for name, message in socket().document["components"]["messages"].items():
        for example in message["examples"]:
            assert socket().faults(example["payload"], message["payload"]) == [], name
            held += 1
    assert held > 50


def test_what_is_not_documented_is_a_fault() -> None:
    """The checks above can fail: a field too many, one too few, another type, another event."""
    message = socket().document["components"]["messages"]["tool_result"]
    frame = message["examples"][0]["payload"]
    assert frame_faults(frame) == []
    data = frame["data"]
    for wrong in (
        {**data, "more": 1},
        {name: value for name, value in data.items() if name != "tool"},
        {**data, "round": "1"},
        {**data, "status": "fine"},
    ):
        assert frame_faults({**frame, "data": wrong}) != []
    assert frame_faults({**frame, "more": 1}) != []
    assert frame_faults({**frame, "event": "news"}) != []
    assert frame_faults({"type": "news"}) != []


@pytest.mark.parametrize("code", get_args(protocol.RefusalCode))
def test_every_refusal_is_documented(code: protocol.RefusalCode) -> None:
    for name in ("ProblemBody", "Rejected"):
        assert code in str(schemas()[name]["properties"]["code"])
    if code == "conversation_busy":
        # A start over HTTP always makes a conversation of its own.
        return
    problem = problem_of(Refused(code, "Words."))
    for path in ("/stream/v1/chat", "/completion/v1/toolchain"):
        assert code in codes_of(path, "post", problem.status)
    theirs = as_api_problem(problem)
    assert theirs.code in codes_of(COMPLETIONS, "post", theirs.status)


@pytest.mark.parametrize("code", get_args(ErrorCode))
def test_every_failure_is_documented(code: ErrorCode) -> None:
    for name in ("FailureAnswer", "SseError", "ErrorEvent"):
        assert code in str(schemas()[name]["properties"]["code"])
    if code in UPSTREAM_STATUS:
        assert code in codes_of("/completion/v1/chat", "post", UPSTREAM_STATUS[code])
    for detail in ("", "HTTP 400", "HTTP 401"):
        data = {"code": code, "message": "Words.", "retryable": True, "detail": detail}
        assert_documented(of_failure(data))


@pytest.mark.parametrize("by", get_args(CancelledBy))
def test_every_way_to_be_stopped_is_documented(by: str) -> None:
    assert_documented(of_cancel(by))


def assert_documented(problem: ApiProblem) -> None:
    assert problem.code in codes_of(COMPLETIONS, "post", problem.status)
    reply = openapi_document()["paths"][COMPLETIONS]["post"]["responses"][str(problem.status)]
    assert set(problem.headers) <= set(reply["headers"])
    envelope = {"$ref": "#/components/schemas/ErrorEnvelope"}
    error = {"message": "Words.", "type": problem.type, "param": None, "code": problem.code}
    assert http().faults({"error": error}, envelope) == []


def test_every_event_and_command_and_close_code_is_documented() -> None:
    messages = asyncapi_document()["components"]["messages"]
    names = {message["name"] for message in messages.values()}
    assert {event_name(event) for event in EVENTS} <= names
    commands = get_args(get_args(protocol.AnyCommand)[0])
    assert {command.model_fields["type"].default for command in commands} <= names
    closes = {value for name, value in vars(protocol).items() if name.startswith("CLOSE_")}
    told = asyncapi_document()["channels"]["socket"]["x-close-codes"]
    assert {int(code) for code in told} == closes
