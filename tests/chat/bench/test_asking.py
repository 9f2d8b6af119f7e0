"""Whether an answer asks back: in several languages, and not where it only quotes a question."""

from __future__ import annotations

import pytest

from chat.bench.asking import asks_back


@pytest.mark.parametrize(
    "text",
    [
        "Which city do you mean?",
        "I need to know your location first.",
        "Which amounts would you like me to add?",
        "What place do you want me to look up?",
        "“Springfield” is the name of many towns. Which one?",
        "Wo befindest du dich gerade?",
        "Sagen Sie mir bitte, wo Sie sind.",
        "Dime en qué ciudad estás.",
        "お住まいの地域を教えてください。",
        "ما اسم المدينة؟",
        "يرجى ذكر اسم المدينة.",
    ],
)
def test_questions_and_bids_ask(text: str) -> None:
    assert asks_back(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It is 20 °C.",
        "It is 20 °C. Is there anything else I can do?",
        "It is 20 °C. Would you like to know more?",
        "It is 20 °C. What else would you like to know?",
        "I cannot answer “What is the weather like?”",
        'Ask it "What time is it in Paris?" with tools on.',
        "Try this:\n```\nprint('Where are you?')\n```",
        "Er fragte: „Wo bist du?“",
        "大阪の気温は20度です。",
    ],
)
def test_statements_courtesies_and_quotations_do_not_ask(text: str) -> None:
    assert not asks_back(text)
