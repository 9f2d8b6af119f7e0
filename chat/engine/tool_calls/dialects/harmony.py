"""Harmony (gpt-oss): `<|channel|>commentary to=functions.name<|message|>{…}<|call|>`."""

from __future__ import annotations

from functools import partial

from chat.engine.tool_calls.dialects.families.channels import Format, json_call
from chat.engine.tool_calls.grammar import Dialect

_FORMAT = Format(ends=("<|end|>", "<|call|>", "<|return|>"))

DIALECT = Dialect("harmony", _FORMAT.rules(partial(json_call, form=_FORMAT)))
