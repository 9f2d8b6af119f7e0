"""The official Python client, unmodified, does here what it does at OpenAI's."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.chat.api.gateway.conftest import ASKED, Door
from tests.chat.api.gateway.tools_of_tests import TOOLS, WEATHER, run
from tests.replay import Call, Wait, chat_stream, error, tool_stream

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
PLACES = [
    Call("get_weather", {"place": "Lyon"}, id="call_a"),
    Call("get_weather", {"place": "Łódź", "days": 2}, id="call_b"),
]


def test_models_are_the_routes_that_the_key_may_use(door: Door) -> None:
    models = list(door.client().models.list())
    assert "replay" in [model.id for model in models]
    assert door.client().models.retrieve("replay").object == "model"
    with pytest.raises(openai.NotFoundError) as refused:
        door.client().models.retrieve("none-such")
    assert refused.value.code == "model_not_found"


def test_a_whole_answer_is_a_completion(door: Door) -> None:
    door.answers(chat_stream(["Hel", "lo."], reasoning=["Greet ", "them."], usage=USAGE))
    answer = door.client().chat.completions.create(
        model="replay",
        messages=[{"role": "system", "content": "Be brief."}, *ASKED],
        temperature=0.5,
        max_completion_tokens=50,
        top_p=0.9,
        stop=["END"],
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=-0.1,
        reasoning_effort="low",
        user="somebody",
        metadata={"project": "x"},
        store=True,
    )
    assert answer.id.startswith("chatcmpl-")
    assert answer.model == "replay"
    [choice] = answer.choices
    assert choice.message.content == "Hello."
    assert choice.message.reasoning_content == "Greet them."
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 7)
    sent = door.last_request
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    assert sent["temperature"] == 0.5
    assert sent["max_tokens"] == 50
    passed_on = ("top_p", "stop", "seed", "presence_penalty", "frequency_penalty")
    assert [sent[name] for name in passed_on] == [0.9, ["END"], 7, 0.1, -0.1]
    assert sent["reasoning_effort"] == "low"
    assert not {"user", "metadata", "store"} & sent.keys()


def test_a_streamed_answer_comes_in_chunks_and_ends_with_the_usage(door: Door) -> None:
    door.answers(chat_stream(["Hel", Wait(0.05), "lo."], reasoning=["Hm."], usage=USAGE))
    stream = door.client().chat.completions.create(
        model="replay",
        messages=ASKED,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == "Hello."
    assert len([delta for delta in deltas if delta.content]) > 1
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 18


def test_without_being_asked_for_no_usage_is_streamed(door: Door) -> None:
    door.answers(chat_stream(["Hello."], usage=USAGE))
    client = door.client()
    stream = client.chat.completions.create(model="replay", messages=ASKED, stream=True)
    assert all(chunk.choices and chunk.usage is None for chunk in stream)


def test_a_client_runs_its_tools_and_sends_their_results_back(door: Door) -> None:
    door.answers([tool_stream(PLACES, text_pieces=["Let me look."]), chat_stream(["Both sunny."])])
    client, messages = door.client(), list[Any](ASKED)
    answer = client.chat.completions.create(model="replay", messages=messages, tools=TOOLS)
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls"
    assert message.content == "Let me look."
    assert [call.id for call in message.tool_calls] == ["call_a", "call_b"]
    messages.append(message)
    for call in message.tool_calls:
        content = run(call.function.name, call.function.arguments)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    answer = client.chat.completions.create(model="replay", messages=messages, tools=TOOLS)
    assert answer.choices[0].message.content == "Both sunny."
    sent = door.last_request
    assert sent["tools"] == TOOLS
    assert [one["role"] for one in sent["messages"]] == ["user", "assistant", "tool", "tool"]
    assert sent["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"place": "Lyon"}'
    assert sent["messages"][3] == {
        "role": "tool",
        "tool_call_id": "call_b",
        "content": "sunny in Łódź",
    }


def test_parallel_calls_are_streamed_whole_one_after_the_other(door: Door) -> None:
    door.answers(tool_stream(PLACES, interleaved=True, usage=USAGE))
    stream = door.client().chat.completions.create(
        model="replay",
        messages=ASKED,
        tools=TOOLS,
        tool_choice="required",
        parallel_tool_calls=True,
        stream=True,
    )
    calls = [
        call
        for chunk in stream
        if chunk.choices
        for call in chunk.choices[0].delta.tool_calls or ()
    ]
    assert [(call.index, call.id, call.function.name) for call in calls] == [
        (0, "call_a", "get_weather"),
        (1, "call_b", "get_weather"),
    ]
    assert [run(call.function.name, call.function.arguments) for call in calls] == [
        "sunny in Lyon",
        "sunny in Łódź",
    ]
    assert door.last_request["tool_choice"] == "required"
    assert door.last_request["parallel_tool_calls"] is True


def test_a_tool_may_be_chosen_by_its_name_or_not_at_all(door: Door) -> None:
    client = door.client()
    door.answers(tool_stream([Call("get_weather", {"place": "Lyon"})]))
    named = {"type": "function", "function": {"name": "get_weather"}}
    client.chat.completions.create(model="replay", messages=ASKED, tools=TOOLS, tool_choice=named)
    assert door.last_request["tool_choice"] == named
    door.answers(chat_stream(["No tool."]))
    answer = client.chat.completions.create(
        model="replay", messages=ASKED, tools=TOOLS, tool_choice="none"
    )
    assert answer.choices[0].message.content == "No tool."
    assert "tools" not in door.last_request


def test_the_streaming_helper_puts_the_answer_together(door: Door) -> None:
    strict: Any = {**WEATHER, "function": {**WEATHER["function"], "strict": True}}
    door.answers(tool_stream(PLACES, text_pieces=["Let me ", "look."], usage=USAGE))
    with door.client().chat.completions.stream(
        model="replay",
        messages=ASKED,
        tools=[strict],
        stream_options={"include_usage": True},
    ) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == "Let me look."
    assert message.tool_calls is not None
    assert [call.function.parsed_arguments for call in message.tool_calls] == [
        {"place": "Lyon"},
        {"place": "Łódź", "days": 2},
    ]
    assert kinds.count("tool_calls.function.arguments.done") == 2
    assert final.usage is not None
    assert final.usage.total_tokens == 18
    # What the helper made is a message that can be sent back.
    door.answers(chat_stream(["Thank you."]))
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls
    ]
    again = [*ASKED, message.to_dict(), *results]
    door.client().chat.completions.create(model="replay", messages=again, tools=[strict])
    assert door.last_request["messages"][1]["tool_calls"][1]["id"] == "call_b"


class Place(BaseModel):
    """What the model is to answer with."""

    name: str
    people: int


def test_a_response_format_reaches_the_model_server_and_its_answer_is_parsed(door: Door) -> None:
    door.answers(chat_stream(['{"name": "Lyon", ', '"people": 522000}']))
    answer = door.client().chat.completions.parse(
        model="replay",
        messages=ASKED,
        response_format=Place,
    )
    assert answer.choices[0].message.parsed == Place(name="Lyon", people=522000)
    sent = door.last_request["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["name"] == "Place"
    assert sent["json_schema"]["strict"] is True
    with door.client().chat.completions.stream(
        model="replay",
        messages=ASKED,
        response_format=Place,
    ) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.parsed == Place(
            name="Lyon", people=522000
        )


def test_an_answer_cut_off_at_the_token_limit_says_so(door: Door) -> None:
    door.answers(chat_stream(['{"name": "Ly'], finish="length"))
    with pytest.raises(openai.LengthFinishReasonError):
        door.client().chat.completions.parse(
            model="replay",
            messages=ASKED,
            response_format=Place,
            max_tokens=5,
        )


async def test_the_async_client_streams_and_runs_tools(door: Door) -> None:
    async with door.async_client() as client:
        door.answers(tool_stream(PLACES))
        stream: Any = await client.chat.completions.create(
            model="replay", messages=ASKED, tools=TOOLS, stream=True
        )
        calls = [
            call
            async for chunk in stream
            for choice in chunk.choices
            for call in choice.delta.tool_calls or ()
        ]
        assert [call.id for call in calls] == ["call_a", "call_b"]
        door.answers(chat_stream(["Sunny."]))
        answer = await client.chat.completions.create(model="replay", messages=ASKED)
        assert answer.choices[0].message.content == "Sunny."
        async with client.chat.completions.stream(model="replay", messages=ASKED) as helper:
            assert (await helper.get_final_completion()).choices[0].message.content == "Sunny."


def test_its_own_retries_bring_an_answer_after_a_failure(door: Door) -> None:
    door.answers([error(500), error(500), chat_stream(["Here."])])
    answer = door.client(max_retries=2).chat.completions.create(model="replay", messages=ASKED)
    assert answer.choices[0].message.content == "Here."
