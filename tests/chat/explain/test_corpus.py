"""The readers against the corpus of recordings and texts, where it is at hand."""

from __future__ import annotations

import pytest

from bench.corpus_files import CORPUS, recordings, text_cases
from bench.corpus_policy import DEPARTURES
from bench.corpus_streams import prove as prove_streams
from bench.corpus_text import CALLS_GOAL, read_all

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")


def test_recorded_exchanges_are_read_as_expected_whole_and_in_pieces() -> None:
    assert prove_streams(list(recordings()), cuts=1).broken == []


@pytest.mark.parametrize("dialect", ["named", "auto"])
def test_texts_are_read_as_expected_whole_and_in_pieces(dialect: str) -> None:
    found = read_all(list(text_cases()), dialect=dialect, cuts=2)
    wrong = [str(miss) for miss in found.misses if miss.case_id not in DEPARTURES]
    assert wrong == []
    assert found.tally.share_of_calls() >= CALLS_GOAL


def test_nothing_is_a_call_where_dialects_are_off() -> None:
    found = read_all(list(text_cases()), dialect="off", cuts=0)
    assert found.tally.calls_found == 0
    assert not [
        str(miss) for miss in found.misses if miss.kind in ("raised", "lost", "plain", "cut")
    ]
