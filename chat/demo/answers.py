"""The demo model's own words: what it can say without tools and without AI."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TOOL_WORDS = {
    "current_time": "the time",
    "get_weather": "the weather",
    "plant_care_advisor": "plants",
    "iss_tracker": "the space station",
    "find_place": "a place",
    "calculate": "arithmetic",
}
_COUNT = re.compile(r"\bcount (?:from 1 )?(?:up )?to (\d{1,5})\b", re.I)
_ECHO = re.compile(r"^\s*(?:please )?(?:say|repeat)(?: after me)?:?\s+(.+)", re.I | re.S)
_GREETING = re.compile(r"^\s*(?:hello|hi|hey|good (?:morning|afternoon|evening))\b[\s!.,]*$", re.I)
_ASKED_BEFORE = re.compile(
    r"\bwhat (?:did i|have i) (?:just )?(?:ask|say|said|asked|write|written)\b|"
    r"\bmy (?:last|first|previous|earlier) (?:question|message|prompt)",
    re.I,
)
_LONG = re.compile(r"\b(?:long|detailed) (?:answer|text|story|essay|reply)\b", re.I)


def answer_to(prompt: str, earlier: Sequence[str], wished: Sequence[str], offered: bool) -> str:
    """The answer to a prompt; the same prompt after the same turns gets the same text.

    `earlier` are the user's prompts before, `wished` the tools that would have helped.
    """
    if match := _COUNT.search(prompt):
        return ", ".join(str(number) for number in range(1, int(match[1]) + 1)) + "."
    if match := _ECHO.match(prompt):
        return match[1].strip().strip("\"“”'")
    if _ASKED_BEFORE.search(prompt):
        return _earlier_told(earlier)
    if _GREETING.match(prompt):
        return (
            "Hello. This is the demo model. It has no AI in it; it shows what a conversation "
            "looks like until a real model is connected. Ask it “What time is it in Paris and in "
            "Tokyo?” with tools on to see it call them."
        )
    if wished:
        return _without_tools(wished, offered)
    if _LONG.search(prompt):
        return _long_answer()
    return _sample(prompt)


def reasoning_for(prompt: str) -> str:
    """A few lines of made-up reasoning where the prompt asks for thinking."""
    if not re.search(r"\bthink\b|\bstep by step\b|\breason(?:ing)?\b", prompt, re.I):
        return ""
    return (
        "The prompt asks for thinking. The demo model cannot think, so this is what reasoning "
        f"looks like on the page. The prompt has {len(prompt.split())} words."
    )


def _earlier_told(earlier: Sequence[str]) -> str:
    if not earlier:
        return "You asked nothing before this."
    if len(earlier) == 1:
        return f"You asked before: “{_short(earlier[0])}”"
    lines = "\n".join(f"{n}. “{_short(text)}”" for n, text in enumerate(earlier, 1))
    return f"You asked before:\n\n{lines}"


def _without_tools(wished: Sequence[str], offered: bool) -> str:
    about = " and ".join(_TOOL_WORDS.get(name, name) for name in wished)
    names = ", ".join(f"`{name}`" for name in wished)
    if offered:
        hint = (
            f"None of the tools offered fits, or the prompt leaves out what they need, such as a "
            f"city. The tools for it are {names}."
        )
    else:
        hint = (
            f"No tools were offered. Choose the mode *Tools + synthesis* with {names} switched on."
        )
    return (
        f"This is the demo model. It has no AI in it; it knows nothing about {about} by itself.\n\n"
        f"{hint}"
    )


def _sample(prompt: str) -> str:
    words = len(prompt.split())
    return f"""This is the demo model. It has no AI in it; it cannot answer “{_short(prompt)}”.

## What it can do

- **Call tools** when they are offered: “What time is it in Paris and in Tokyo?”
- **Answer from their results**, in a list or a table
- **Count**: “Count to 50”, to watch a stream
- **Remember** a little: “What did I ask before?”

## What an answer can look like

Text comes in small pieces and is shown as *Markdown*, with `code` in a line or in a block:

```python
def greet(name: str) -> str:
    \"\"\"A greeting for one person.\"\"\"
    return f"Hello, {{name}}."
```

| Your prompt | |
| --- | ---: |
| Words | {words} |
| Characters | {len(prompt)} |

To talk to a real model, an admin adds a model route: Ollama, vLLM, llama.cpp or any server that \
speaks the OpenAI protocol."""


def _long_answer() -> str:
    sections = []
    for number in range(1, 13):
        sections.append(
            f"## Part {number}\n\n"
            "This is the demo model. It has no AI in it; this text is here to be long. It lets "
            "you watch a page grow, scroll back while it does, stop it, and go on.\n\n"
            f"1. The first thing of part {number}\n"
            f"2. The second thing of part {number}\n\n"
            f'```json\n{{"part": {number}, "of": 12}}\n```'
        )
    return "\n\n".join(sections)


def _short(text: str) -> str:
    line = " ".join(text.replace("`", "'").split())
    return line if len(line) <= 80 else line[:79].rstrip() + "…"
