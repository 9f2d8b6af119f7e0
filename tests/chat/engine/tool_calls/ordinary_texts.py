"""Answers that hold no call although they look like one here and there: all of it is text.

Of our own making; the tools offered are those of the cases (`water`, `look_up`, `list_plants`).
"""

from __future__ import annotations

CALL = '{"name": "water", "arguments": {"plant": "fern"}}'

PROSE = {
    "a plain answer": "The fern wants water twice a week.\n\nMore in summer, less in winter.",
    "comparisons": "If a < b and b < c, then a < c; i<j, x <y, <3, <-, <<, >> and >>> are signs.",
    "a question about brackets": "Write [1] for the first note, [x] for done and [ ] for open.",
    "links": "See [water](https://plants.example/water) and [look_up](#look_up), "
    "or [the list][1].\n"
    "\n[1]: https://plants.example/list",
    "a list of tools": "I have three tools:\n\n- **water**: waters a plant (`plant`, `litres`).\n"
    "- **look_up**: looks something up.\n- **list_plants**: lists all plants.\n",
    "tools named as functions": "functions.water is available, and so is functions.look_up.\n"
    "call: water\nto=functions.water is how it is addressed.",
    "a tool's name as a heading": "water\n=====\n\nlook_up\n-------\n\nlist_plants",
    "a name and a brace": "water\n{the fern, the moss}\n",
    "words before a colon": "thought: it is dry\naction: water\ninput: the fern\nfunction: none",
    "Chinese with its brackets": "「浇水」是一个工具，｜不是｜命令。"
    "《手册》写道：＜tool＞【water】（蕨类）。"
    "她说：“调用 water 吧。”",
    "German quotes": "Er schrieb „<tool_call>“ und meinte «[TOOL_CALLS]» oder ‚<function=water>‘.",
    "arrows and hearts": "◁ left, right ▷, ｜ bar, ▁ low line, <3 and </3.",
    "a transcript": "User: Please water the fern.\nAssistant: I will.\nTool: done\n"
    "<|user|> is how one format begins a turn, <|assistant|> another.",
    "a dialogue in chat marks": "<|im_end|>\n<|im_start|>user\nHello",
    "mathematics": "Let $x \\in [0, 1]$ and f(x) = {x if x > 0, 0 else}. Then |x| <= 1 and "
    "||x|| < 2.",
    "an ending brace": "It ends in {",
    "an ending angle": "It ends in <",
    "half a mark at the end": "It ends in <|tool_ca",
    "half a fence at the end": "It ends here:\n``",
    "half a call at the end": 'It ends in <tool_call>\n{"name": "wat',
    "an apology": "I cannot call functions.fly, as there is no such tool.",
    "e-mail addresses": "Write to Ann <ann@plants.example> or <https://plants.example>.",
}

ABOUT_CALLS = {
    "documentation of Hermes": "Hermes wraps a call in <tool_call> and </tool_call>, with the "
    "keys name and arguments inside.",
    "documentation of Mistral": "Mistral writes [TOOL_CALLS] and then a list; [ARGS] stands "
    "between name and arguments.",
    "documentation of Kimi": "Kimi opens with <|tool_calls_section_begin|> and each call with "
    "<|tool_call_begin|>, followed by functions.NAME:INDEX.",
    "documentation of DeepSeek": "DeepSeek uses <｜tool▁calls▁begin｜>, <｜tool▁call▁begin｜> and "
    "<｜tool▁sep｜> as its marks.",
    "documentation of Llama": "Llama starts with <|python_tag|> and ends with <|eom_id|> or "
    "<|eot_id|>, depending.",
    "documentation of Qwen's coder": "It writes <function=NAME> and <parameter=NAME>, and closes "
    "both: </parameter>, </function>.",
    "documentation of harmony": "gpt-oss speaks on <|channel|> analysis, commentary and final; "
    "<|message|> begins the text, <|end|> and <|return|> end it.",
    "documentation of Gemma": "Gemma 4 has <|tool_call> and <tool_call|>, Gemma 3 prints its code.",
    "an explanation of thinking": "The mark `<think>` opens a thought, and `</think>` closes it.",
    "an explanation of thinking in prose": "Such a model writes <think> before it thinks.",
    "inline code": f"Write `<tool_call>{CALL}</tool_call>` "
    "and wait; ``[water(plant='fern')]`` is another way.",
    "a fence": "Like this:\n\n```xml\n<tool_call>\n"
    '{"name": "water", "arguments": {"plant": "fern"}}\n</tool_call>\n```\n\nThen wait.',
    "a fence of tildes": "Like this:\n\n~~~\n<|tool_call_begin|>functions.water:0"
    '<|tool_call_argument_begin|>{"plant": "fern"}<|tool_call_end|>\n~~~\n',
    "a fence in a list": "1. First:\n\n   ```\n   <function=water>\n   <parameter=plant>fern"
    "</parameter>\n   </function>\n   ```\n2. Second.",
    "a fence with an info string": 'So:\n```json title="call.json"\n'
    '{"name": "water", "arguments": {"plant": "fern"}}\n```\nEnd.',
    "in quotes": 'The model then writes "<tool_call>" and "[TOOL_CALLS]", nothing else.',
    "a fence with a call, explained behind it": f"```json\n{CALL}\n```\nThis is how a call looks.",
    "a fence with a call, announced": f"Here you are:\n```json\n{CALL}\n```",
    "a call within a sentence": f'The call is "{CALL}", or just {CALL}.',
    "a marked call in quotes": f"“<tool_call>{CALL}</tool_call>” is how it writes.",
    "a marked call in straight quotes": f'It writes "<tool_call>{CALL}</tool_call>" then.',
    "a marked call in corner brackets": f"「<tool_call>{CALL}</tool_call>」这样写。",
    "a marked call in a quotation": f"> <tool_call>{CALL}</tool_call>\n\nThat was a quotation.",
    "a marked call in a table": "| mark | example |\n|---|---|\n"
    f"| Hermes | <tool_call>{CALL}</tool_call> |",
    "a marked call in a string": f"s = '<tool_call>{CALL}</tool_call>'",
    "a call in Python within a sentence": "The list is [water(plant='fern')]. Use "
    "[water(plant='fern'), list_plants()] to do both.",
    "a call in Python that is a link": "See [water(plant='fern')](https://plants.example/water).",
    "a header of harmony within a sentence": "to=water is how it begins. <|message|> comes next.",
    "an indented example after words": "The call has this form:\n\n"
    '    {"name": "water", "arguments": {"plant": "fern"}}\n\nand comes alone.',
    "an unknown tool, Hermes": '<tool_call>\n{"name": "fly", "arguments": {"to": "moon"}}\n'
    "</tool_call>",
    "an unknown tool, Mistral": '[TOOL_CALLS][{"name": "fly", "arguments": {}}]',
    "an unknown tool, Kimi": "<|tool_call_begin|>functions.fly:0<|tool_call_argument_begin|>{}"
    "<|tool_call_end|>",
    "an unknown tool, pythonic": "[fly(to='moon')]",
    "an unknown tool, XML": "<function=fly>\n<parameter=to>\nmoon\n</parameter>\n</function>",
    "an unknown tool, JSON": '{"name": "fly", "arguments": {"to": "moon"}}',
    "placeholders": "<tool_call>\n<function=function_name>\n<parameter=parameter_name>\nvalue\n"
    "</parameter>\n</function>\n</tool_call>",
    "a schema": '{"type": "function", "function": {"name": "fly", "description": "flies", '
    '"parameters": {"type": "object", "properties": {}}}}',
}

JSON = {
    "an object": '{"plant": "fern", "litres": 2, "dry": true}',
    "an object with a name": '{"name": "Fern", "age": 3, "arguments": ["for", "against"]}',
    "an object whose name is a word": '{"name": "Water", "kind": "element"}',
    "a list": '[{"plant": "fern"}, {"plant": "moss"}]',
    "a list of words": '["water", "look_up", "list_plants"]',
    "a list of numbers": "[1, 2, 3]",
    "a nested object": '{"data": {"name": "water", "arguments": {"plant": "fern"}}}',
    "a tool described": '{"name": "water", "description": "waters", "parameters": '
    '{"type": "object", "properties": {"plant": {"type": "string"}}}}',
    "tools listed": '[{"name": "water"}, {"name": "look_up"}]',
    "tools in an object": '{"tools": [{"name": "water", "arguments": {"plant": "fern"}}]}',
    "arguments alone": '{"plant": "fern", "litres": 1}',
    "a count beside a call": '{"calls": 3, "name": "water", "arguments": {"plant": "fern"}}',
    "a result": '{"result": {"total": 42}, "error": null}',
    "in a fence": 'The JSON is:\n\n```json\n{"plant": "fern", "name": "moss"}\n```\n',
    "in a fence alone": '```json\n{"plant": "fern"}\n```',
    "after words": 'The answer is {"plant": "fern", "wet": true}.',
    "a string": '"water"',
    "a word": "true",
}

MARKUP = {
    "HTML": "<!DOCTYPE html>\n<html><head><title>Water</title></head><body><p>a<b>c</b></p>"
    '<function>x</function><tool name="hammer"/></body></html>',
    "XML": '<?xml version="1.0"?>\n<plants><plant name="fern"><water>2</water></plant></plants>',
    "XML with parameters": '<config>\n<parameter name="plant">fern</parameter>\n'
    '<invoke name="fly"/>\n</config>',
    "SVG": '<svg viewBox="0 0 1 1"><path d="M0 0L1 1"/></svg>',
    "XML of a tool's name": '<?xml version="1.0"?>\n<water><plant>fern</plant></water>',
    "a tool element": "<tool>water</tool> <tool>hammer</tool>",
    "a table": "| tool | does |\n|------|------|\n| water | waters |\n| look_up | looks up |",
    "a template": "{% for plant in plants %}{{ plant.name }} <| {{ water }} |>{% endfor %}",
}

CODE = {
    "Python that calls a function of the tool's name": "def tend():\n"
    "    for plant in list_plants():\n        water(plant=plant)\n",
    "Python in a fence": "```python\nwater(plant='fern')\nprint(look_up(query='moss'))\n```",
    "a call without a fence": "water(plant='fern')",
    "Python at the prompt": ">>> water('fern')\nTrue\n>>> [water(p) for p in list_plants()]\n[]",
    "Python beginning with a list": "[p for p in plants if p.dry]",
    "Python beginning with a decorator": "@tool\ndef water(plant: str) -> None: ...",
    "JavaScript": "const f = (a) => a < 3 ? [water] : {name: 'water', arguments: [a]};",
    "C++": 'std::vector<std::pair<int, int>> v; cout << v.size() << "\\n"; '
    "if (a<b && c>d) x = a<<2;",
    "shell": "cat <<EOF\n<tool>\nEOF\n[ -f water ] && ./water --plant fern <in >out",
    "a diff": "<<<<<<< ours\nwater(1)\n=======\nwater(2)\n>>>>>>> theirs",
    "tool_code that calls nothing": "```tool_code\nprint(2 - 5)\n```",
}

ALL = {**PROSE, **ABOUT_CALLS, **JSON, **MARKUP, **CODE}
