"""The dialects in which models write calls into their text: one small file each, listed here."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from chat.engine.tool_calls.dialects import (
    apertus,
    apriel,
    command_r7b,
    command_r_plus,
    deepseek_r1,
    deepseek_v3,
    deepseek_v4_dsml,
    deepseek_v31,
    deepseek_v32_dsml,
    ernie45,
    firefunction_v2,
    function_calls_xml,
    functionary_v2,
    functionary_v31,
    functionary_v32,
    functiongemma,
    gemma3,
    gemma4,
    generic_json,
    glm4,
    glm47,
    granite,
    granite4,
    granite_20b_fc,
    granite_pythonic,
    harmony,
    harmony_bare,
    hermes,
    hunyuan,
    hy_v3,
    internlm,
    jamba,
    json_array,
    kimi_k2,
    kimi_k3,
    lfm2,
    ling,
    llama3_json,
    llama3_python_tag,
    llama4_pythonic,
    marked_invokes,
    marked_json,
    marked_pairs,
    minicpm5,
    minimax_m2,
    minimax_m3,
    mistral,
    muse,
    nemotron_v2,
    olmo3_pythonic,
    phi4mini,
    pythonic,
    qwen3_coder,
    react,
    seed_oss,
    solar_open,
    step3,
    step3p5_xml,
    xlam,
    xml_elements,
)
from chat.engine.tool_calls.dialects.stray_tokens import STRAY_TOKENS
from chat.engine.tool_calls.dialects.thoughts import opened_thought, thought_rules
from chat.engine.tool_calls.grammar import Dialect, Rule
from chat.engine.tool_calls.triggers import Triggers

DIALECTS: dict[str, Dialect] = {
    module.DIALECT.name: module.DIALECT
    for module in (
        # `auto` tries them in this order where several have one opener.
        hermes,
        kimi_k2,
        kimi_k3,
        solar_open,
        apertus,
        step3,
        deepseek_v3,
        deepseek_v31,
        deepseek_r1,
        gemma4,
        functiongemma,
        muse,
        harmony,
        harmony_bare,
        functionary_v2,
        functionary_v31,
        functionary_v32,
        gemma3,
        granite,
        granite_20b_fc,
        phi4mini,
        nemotron_v2,
        jamba,
        internlm,
        marked_json,
        mistral,
        command_r7b,
        command_r_plus,
        llama3_json,
        generic_json,
        granite4,
        firefunction_v2,
        ernie45,
        hunyuan,
        apriel,
        xlam,
        json_array,
        react,
        qwen3_coder,
        step3p5_xml,
        seed_oss,
        glm4,
        glm47,
        ling,
        minimax_m2,
        deepseek_v32_dsml,
        deepseek_v4_dsml,
        function_calls_xml,
        olmo3_pythonic,
        lfm2,
        pythonic,
        llama4_pythonic,
        hy_v3,
        minicpm5,
        minimax_m3,
        marked_invokes,
        marked_pairs,
        llama3_python_tag,
        granite_pythonic,
        xml_elements,
    )
}
DIALECT_NAMES: tuple[str, ...] = ("auto", "off", *sorted(DIALECTS))
"""What a route's setting may be."""


# What settings were called once.
_FORMER_NAMES = {"json": "generic_json"}


def known_dialect(setting: str) -> str:
    """A route's setting as a name that `triggers_of` takes; one that is gone means `auto`."""
    setting = _FORMER_NAMES.get(setting, setting)
    return setting if setting in DIALECT_NAMES else "auto"


@lru_cache(maxsize=256)
def triggers_of(
    dialect: str, *, calls: bool, thoughts: bool, inside: bool
) -> tuple[Triggers, Rule | None]:
    """The triggers of a setting, and what reads from the first character where there is such.

    Made once of each setting. Raises KeyError for a name that is none of DIALECT_NAMES.
    """
    named = None if dialect in ("auto", "off") else DIALECTS[dialect]
    collected: list[Rule] = []
    if named is not None:
        collected += _named(named, named.rules)
    else:
        for one in DIALECTS.values():
            collected += _named(one, one.auto_rules)
    if not calls or dialect == "off":
        collected = [rule for rule in collected if not rule.is_call]
    breaks = tuple(dict.fromkeys(rule.opener for rule in collected if rule.ends_thought is True))
    line_breaks = tuple(
        dict.fromkeys(rule.opener for rule in collected if rule.ends_thought == "line")
    )
    rules = (*(thought_rules(breaks) if thoughts else ()), *collected, *STRAY_TOKENS)
    return Triggers(rules), _first(named, breaks, line_breaks, inside=inside and thoughts)


def _first(
    named: Dialect | None,
    breaks: tuple[str, ...],
    line_breaks: tuple[str, ...],
    *,
    inside: bool,
) -> Rule | None:
    """What reads from the first character."""
    among = (named,) if named is not None else tuple(DIALECTS.values())
    if not inside:
        grammar = named.opens if named is not None else None
    elif named is not None and named.begins is not None:
        grammar = named.begins
    else:
        ends = dict.fromkeys(end for dialect in among for end in dialect.thought_ends)
        grammar = opened_thought(breaks, tuple(ends), line_breaks)
    return grammar and Rule("", grammar, is_call=False, dialect=named.name if named else "")


def _named(dialect: Dialect, rules: tuple[Rule, ...]) -> list[Rule]:
    return [replace(rule, dialect=rule.dialect or dialect.name) for rule in rules]
