"""YAML as the bench reads and writes it: JSON's values only, of bounded size."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from typing import Any

import yaml

MOST_CHARACTERS = 2_000_000
MOST_NODES = 100_000
"""Of a text with all its aliases written out."""
DEEPEST = 60


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class BadYaml(ValueError):
    """A text that is no YAML the bench reads; says where and why."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain values: `no`, `12:30` and `2026-01-31` are texts, as they look."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Two equal keys are a mistake that would hide one of them."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise BadYaml(f"{_place(key)}: “{key.value[:80]}” is written twice.")
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


class _Dumper(yaml.SafeDumper):
    """Quotes what the loader, or a YAML 1.1 reader, would take for another type."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """List items stand under their key, indented."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Everything is written out where it belongs."""
        return True


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]{0,30})$", list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?$",
        list("-+.0123456789"),
    ),
    ("tag:yaml.org,2002:merge", r"^<<$", ["<"]),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text and not text.startswith(("\n", " ")) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)


def read_yaml(text: str) -> Any:
    """The value of a text, made of JSON's types only. Raises BadYaml."""
    if len(text) > MOST_CHARACTERS:
        raise BadYaml(
            f"The file has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read."
        )
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise BadYaml("The file is empty.")
        _check_size(node)
        value = loader.construct_document(node)
        # What JSON cannot hold could not be stored either.
        json.dumps(value, allow_nan=False)
    except BadYaml:
        raise
    except RecursionError:
        raise BadYaml(f"The file is nested deeper than {DEEPEST} levels.") from None
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise BadYaml(f"{where}{error.problem or error.context or 'this is no YAML'}.") from None
    except yaml.YAMLError as error:
        raise BadYaml(f"This is no YAML: {str(error)[:200]}") from None
    except (ValueError, TypeError) as error:
        raise BadYaml(f"A value has no place in a case: {str(error)[:200]}") from None
    finally:
        if loader is not None:
            loader.dispose()
    return value


def write_yaml(value: Any) -> str:
    """A value as YAML that `read_yaml` reads as the same."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=96, indent=2)


def _check_size(node: yaml.Node) -> None:
    """Count the nodes with every alias written out, each node looked at once."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        key = id(node)
        if key in sizes:
            return sizes[key]
        if key in open_nodes:
            raise BadYaml(f"{_place(node)}: an alias stands inside what it names.")
        if depth > DEEPEST:
            raise BadYaml(f"{_place(node)}: nested deeper than {DEEPEST} levels.")
        open_nodes.add(key)
        count = 1
        if isinstance(node, yaml.ScalarNode) and _UNSTORABLE.search(node.value):
            raise BadYaml(f"{_place(node)}: NUL and lone surrogates cannot be stored.")
        if isinstance(node, yaml.MappingNode):
            for pair in node.value:
                count += sum(size(part, depth + 1) for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            count += sum(size(part, depth + 1) for part in node.value)
        open_nodes.discard(key)
        if count > MOST_NODES:
            raise BadYaml(f"The file has more than {MOST_NODES:,} values once aliases are written.")
        sizes[key] = count
        return count

    size(node, 0)


def _place(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"
