"""The table of repairs: one sentence to each code, told once, bounded, without the key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chat.engine.completions import RepairDelta
from chat.engine.redaction import redact
from chat.engine.repairs import RAW_LIMIT, SENTENCES, RepairLog, repair
from chat.engine.wire.reader import CompletionReader
from tests.chat.engine.sse import STOP, call, calls, delta, stream

ROOT = Path(__file__).parents[3]
SECRET = "sk-secret-0123456789"
ROW = re.compile(r"^\| `([a-z0-9_]+)(?::<dialect>)?` \| (.+) \|$", re.MULTILINE)
USED = re.compile(r'(?:note|repair|repair_delta|mend|codes\.append)\(\s*"([a-z0-9_]+)"')


def test_the_documented_table_is_the_codes() -> None:
    documented = dict(ROW.findall((ROOT / "docs" / "servers.md").read_text("utf-8")))
    sentences = {code: sentence.replace("{{}}", "{}") for code, sentence in SENTENCES.items()}
    assert {k: v for k, v in documented.items() if not k.startswith("upstream_")} == sentences


def test_every_sentence_is_whole_and_can_be_told() -> None:
    words = dict.fromkeys(
        ("limit", "field", "kind", "original", "reason", "encoding", "dialect"), "word"
    )
    for code in SENTENCES:
        told = repair(code, **words)
        assert told.detail.endswith(".")
        assert "{" not in told.detail.replace("{}", "")


def test_every_code_that_the_engine_uses_has_a_sentence() -> None:
    used = {
        code
        for path in sorted((ROOT / "chat" / "engine").rglob("*.py"))
        for code in USED.findall(path.read_text("utf-8"))
        if path.name != "repairs.py"
    }
    assert len(used) > 40
    assert used <= set(SENTENCES), used - set(SENTENCES)


def test_a_text_call_names_its_dialect() -> None:
    told = repair("text_tool_call:hermes", "<tool_call>")
    assert told.code == "text_tool_call:hermes"
    assert "hermes" in told.detail
    assert told.raw == "<tool_call>"


def test_what_came_is_bounded_and_can_be_stored() -> None:
    assert len(repair("bare_line", b"x" * 5000).raw) == RAW_LIMIT
    assert len(repair("bare_line", "ü" * 5000).raw) == RAW_LIMIT
    assert repair("bare_line", b"a\x00\xffb").raw == "a\ufffd\ufffdb"
    assert repair("bare_line", b"short").raw == "short"


@pytest.mark.parametrize("before", [0, 960, 990, 999])
def test_no_part_of_the_key_is_kept_wherever_it_stands(before: int) -> None:
    raw = "x" * before + SECRET + "y" * 2000
    for given in (raw, raw.encode()):
        kept = repair("bare_line", given, secret=SECRET).raw
        assert "sk-" not in kept
        assert len(kept) <= RAW_LIMIT


def test_keys_taken_out_bring_no_half_of_a_key_into_what_is_kept() -> None:
    secret = "sk-" + "0123456789" * 8
    raw = secret + "x" * 930 + secret
    for given in (raw, raw.encode()):
        assert "sk-" not in repair("bare_line", given, secret=secret).raw


def test_a_code_is_told_once_with_its_first_cause_and_counted() -> None:
    log = RepairLog()
    for raw in (b"one", b"two"):
        log.raw = raw
        log.note("bare_line")
        log.note("idle_data", b"given")
    assert [(told.code, told.raw) for told in log.take()] == [
        ("bare_line", "one"),
        ("idle_data", "given"),
    ]
    assert log.take() == []
    assert log.counts == {"bare_line": 2, "idle_data": 2}


def test_a_thousand_fragments_without_an_index_are_one_repair() -> None:
    fragments = [calls(call(None, None, None, " ")) for _ in range(1000)]
    data = stream(calls(call(None, "a", "f", "{")), *fragments, STOP)
    reader = CompletionReader()
    repairs = [d for d in reader.feed(data) + reader.finish() if isinstance(d, RepairDelta)]
    assert [told.code for told in repairs] == ["tool_index_missing"]
    assert reader.repair_counts == {"tool_index_missing": 1001}


def test_the_key_is_taken_out_of_every_repair_of_an_answer() -> None:
    odd = delta(content=[f"{SECRET}"], tool_calls=[{"function": {"name": SECRET}}])
    reader = CompletionReader(secret=SECRET)
    deltas = reader.feed(f"{SECRET}\n".encode() + stream(odd, STOP)) + reader.finish()
    repairs = [told for told in deltas if isinstance(told, RepairDelta)]
    assert len(repairs) >= 2
    assert not any(SECRET in told.raw for told in repairs)


@pytest.mark.parametrize(
    "text",
    [
        f"Incorrect key: {SECRET}.",
        "Incorrect key: sk-se*****6789.",
        '{"message":"key=sk-se...6789"}',
        "(sk-secr…89)",
        f"Bearer {SECRET}{SECRET}",
    ],
)
def test_a_key_is_taken_out_whole_and_shortened(text: str) -> None:
    left = redact(text, SECRET)
    assert "sk-" not in left
    assert "6789" not in left
    assert "[key removed]" in left


@pytest.mark.parametrize("text", ["task-sk-ip ...", "Ask skip... more", "nothing", "a*b"])
def test_other_words_are_left_as_they_are(text: str) -> None:
    assert redact(text, SECRET) == text
    assert redact(text, "") == text
