"""Whether an answer asks back for what is missing: a rule of thumb, the judge is the exact way.

An answer asks when one of its sentences is a question, or bids for something in one of a few
phrases. Closing courtesies (“Is there anything else …?”) are no questions here.
"""

from __future__ import annotations

import re

_SENTENCE = re.compile(r"[^.!?？؟\n]+[.!?？؟]*|[?？؟]+")
_QUESTION = re.compile(r"[?？؟]\s*$")
_COURTESY = re.compile(
    r"anything else|something else|help (?:you )?(?:with|further)|(?:would|do) you (?:like|want) "
    r"(?:me to|to know|more|any)|know more|further (?:questions|assistance)|how (?:else )?can i "
    r"(?:help|assist)|isn't it|sonst noch|weitere fragen|autre chose|algo más",
    re.IGNORECASE,
)
# What an answer quotes, the prompt for example, it does not ask.
_QUOTED = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|“[^”]*”|„[^“”]*[“”]|\"[^\"\n]*\"|«[^»]*»", re.DOTALL
)
# “Which amounts would you like me to add?” bids for the amounts.
_ASKED_FOR = re.compile(
    r"\b(?:which|what|where|whose|how (?:much|many))\b(?! (?:else|more))[^?]*"
    r"\b(?:would|do) you (?:like|want)\b",
    re.IGNORECASE,
)
_BIDS = re.compile(
    r"\bplease (?:\w+ ){0,2}(?:provide|tell|specify|share|give|name|enter|say|clarify|state|"
    r"confirm|include|send|indicate)\b|\b(?:could|can|would) you (?:please |kindly )?(?:provide|"
    r"tell|specify|share|give|name|clarify|confirm)\b|\blet me know (?:which|what|where|when|"
    r"the|your|who|how)\b|\bi(?:'ll| will|'d| would)? (?:still |also )?need (?:to know|you to|"
    r"more|the|your|a|some)\b|\b(?:need|require)s? (?:more|further|additional) "
    r"(?:information|details)\b|\b(?:you (?:haven't|have not|didn't|did not) (?:said|say|"
    r"specified|specify|given|give|provided|provide|mentioned|mention|told|tell))\b|"
    r"\bwhich (?:city|place|town|location|one)\b|"
    r"\bbitte (?:\w+ ){0,3}(?:nennen|geben|sagen|teilen)\b|\bsag(?:e|en sie)? mir\b|\bveuillez\b|"
    r"\bpor favor\b|\bdime\b|\bind[ií](?:ca|que)me\b|\bnecesito saber\b|"
    r"教えて(?:ください|下さい|いただ|頂)|お知らせください|お聞かせ|من فضلك|يرجى|أخبرني",
    re.IGNORECASE,
)


def asks_back(text: str) -> bool:
    """Whether the text asks the person for something."""
    plain = _QUOTED.sub(" … ", text.replace("’", "'"))
    for sentence in _SENTENCE.findall(plain):
        if _COURTESY.search(sentence) and not _ASKED_FOR.search(sentence):
            continue
        if _QUESTION.search(sentence) or _BIDS.search(sentence):
            return True
    return False
