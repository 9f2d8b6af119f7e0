"""What is wrong with a value, in words for the person who wrote it."""

from __future__ import annotations

from pydantic_core import ErrorDetails

_WORDS = {
    "extra_forbidden": "there is no such field",
    "missing": "this is missing",
    "string_type": "write a text",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "finite_number": "write a number",
    "list_type": "write a list",
    "dict_type": "write an object, as in {{name: value}}",
    "model_type": "write an object, as in {{name: value}}",
    "model_attributes_type": "write an object, as in {{name: value}}",
    "string_too_short": "this is empty",
    "literal_error": "write {expected}",
    "greater_than_equal": "write {ge} or more",
    "string_too_long": "this is longer than {max_length} characters",
    "too_long": "there are more than {max_length}",
    "too_short": "there must be at least {min_length}",
}
_PATTERNS = {
    "^[a-z0-9_-]{1,80}$": "use lower-case letters, digits, _ and -, at most 80 of them",
    "^[a-zA-Z0-9_-]{1,64}$": "use letters, digits, _ and -, at most 64 of them",
}


def complaint(item: ErrorDetails) -> str:
    """The words for one of pydantic's errors; what a validator of ours said stays as it is."""
    context = item.get("ctx", {})
    if item["type"] == "string_pattern_mismatch":
        return _PATTERNS.get(context.get("pattern", ""), item["msg"])
    words = _WORDS.get(item["type"])
    if words is None:
        return item["msg"].removeprefix("Value error, ")
    return words.format_map(context) if "expected" not in words else _choice(context)


def _choice(context: dict[str, object]) -> str:
    return f"write {str(context.get('expected', '')).replace(chr(39), '')}"
