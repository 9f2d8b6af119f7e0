"""The text of keys: its shape, its checksum, its randomness."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chat.key_text import ALPHABET, SHAPE, digest_of, make_key_text, prefix_of


def test_a_key_has_its_shape_and_is_recognised_by_its_prefix() -> None:
    made = make_key_text()
    assert SHAPE.fullmatch(made.text)
    assert made.text.startswith(f"tb_{made.prefix}_")
    assert prefix_of(made.text) == made.prefix
    assert made.digest == digest_of(made.text)


def test_a_key_found_in_other_text_is_found_whole() -> None:
    made = make_key_text()
    found = SHAPE.search(f'curl -H "Authorization: Bearer {made.text}" http://localhost:8000/')
    assert found is not None
    assert found.group() == made.text


def test_the_text_of_a_key_does_not_come_up_where_it_is_shown_by_accident() -> None:
    made = make_key_text()
    assert made.text not in repr(made)
    assert made.text[-20:] not in f"{made!r}{made}"


def test_no_two_keys_share_prefix_or_secret() -> None:
    made = [make_key_text() for _ in range(500)]
    assert len({one.prefix for one in made}) == 500
    assert len({one.text.split("_")[2][:43] for one in made}) == 500


@given(position=st.integers(14, 62), letter=st.sampled_from(ALPHABET))
def test_one_mistyped_character_is_a_typo_and_no_key(position: int, letter: str) -> None:
    text = make_key_text().text
    mistyped = text[:position] + letter + text[position + 1 :]
    assert mistyped == text or prefix_of(mistyped) is None


@given(position=st.integers(14, 61))
def test_two_characters_that_changed_places_are_a_typo(position: int) -> None:
    text = make_key_text().text
    swapped = text[:position] + text[position + 1] + text[position] + text[position + 2 :]
    assert swapped == text or prefix_of(swapped) is None


@given(st.text())
def test_other_text_is_no_key(text: str) -> None:
    assert prefix_of(text) is None
    assert prefix_of(f"tb_{text}") is None
