"""Why cases on which implementations reasonably differ are read as they are."""

from __future__ import annotations

_UNKNOWN = "A tool that was not offered is never called: its text stays for the person to see."
_CUT = "A call that was begun is shown as cut off, with the argument text that came; it never runs."
_NUMBER = (
    "The id is a number alone: the one offered tool whose parameters the arguments fit is meant; "
    "where none or several fit, the text stays."
)

_REASONS = {
    "deepseek_v4_dsml_016": "The opening mark of the section is missing, but each call in it is "
    "whole and marked.",
    "gemma4_032": _UNKNOWN,
    "gemma4_044": _CUT,
    "glm4_014": _UNKNOWN,
    "glm47_007": _UNKNOWN,
    "hermes_005": "What is no JSON object with a name is no call.",
    "hermes_032": "JSON strings are read as strings, so a closing mark inside one closes nothing.",
    "json_array_004": "The object that is whole is called; the one that broke off stays text.",
    "kimi_k2_013": _NUMBER,
    "kimi_k2_014": _NUMBER,
    "kimi_k2_021": _UNKNOWN,
    "kimi_k2_024": _NUMBER,
    "kimi_k2_026": _NUMBER,
    "kimi_k2_033": "A mark that never came is text.",
    "kimi_k2_035": "An id that names no tool is no call, so its text stays; the other is.",
    "lfm2_034": _UNKNOWN,
    "llama3_json_011": "The object that breaks off stays text; the whole one in it is called.",
    "llama3_json_022": "What is no JSON is no call.",
    "llama3_json_025": "An object without a name is no call.",
    "mistral_018": "What is no JSON is no call.",
    "qwen3_coder_055": _CUT,
    "step3p5_xml_020": "A parameter that was not closed ends where the next one begins.",
}


_KEPT = "Upstream drops what the model says between or behind its calls; here a person reads it."

DEPARTURES = {"gemma4_028": _KEPT, "lfm2_026": _KEPT, "llama3_json_020": _KEPT}
"""Cases that are no matter of policy and are read otherwise all the same, and why."""


def why(case_id: str) -> str:
    """The reason for what was chosen."""
    return {**_REASONS, **DEPARTURES}.get(case_id, "No reason has been written down.")
