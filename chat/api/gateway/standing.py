"""Where a field of the Chat Completions API stands here: supported, ignored or refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True, slots=True)
class Ignored:
    """Taken and left aside, because nothing of the answer depends on it here."""

    why: str

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused in words, but for the values that ask for nothing."""

    words: str
    harmless: tuple[Any, ...] = (None,)

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def _check(self, value: Any) -> Any:
        # JSON's true is no 1.
        if any(type(value) is type(fine) and value == fine for fine in self.harmless):
            return value
        raise PydanticCustomError("unsupported", "{words}", {"words": self.words})
