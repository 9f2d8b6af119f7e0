"""Code blocks: five syntax classes instead of the dozens that Pygments has, and the frame."""

import re
from functools import lru_cache
from html import escape
from typing import Final

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Name, Number, String, _TokenType

HIGHLIGHT_LIMIT = 64 * 1024
LANGUAGE_LIMIT = 40

# Long lines and long gaps cost most lexers quadratic time, and those of the C family look ahead
# from every word for a method's head: without these bounds 16 KiB of hostile C# takes half a
# minute. Text like this is hardly code; it stays uncoloured.
_COSTLY = re.compile(r"[^\n]{1000}|\s{200}")
_COSTLY_IN_C = re.compile(r"[^\n]{1000}|\s{200}|[\w\s.,$<>?@\[\]]{500}")
_C_FAMILY = frozenset({"c", "c++", "cpp", "cs", "csharp", "java", "objective-c"})

# A closed list, because the lexers of five hundred languages are as many regular expressions that
# nobody has tried on hostile text, and because looking for an unknown name reads every plugin.
LANGUAGE_NAMES = """
    bash c c++ cpp cs csharp css dart diff docker dockerfile elixir go golang graphql haskell html
    http ini java javascript js json jsx kotlin lua make makefile nginx objective-c perl php
    powershell protobuf py python python3 r rb rs ruby rust scala sh shell sql swift toml
    ts tsx typescript vue xml yaml yml zig zsh
"""
LANGUAGES: Final = frozenset(LANGUAGE_NAMES.split())

_CLASSES: tuple[tuple[_TokenType, str], ...] = (
    (Keyword, "syntax-word"),
    (String, "syntax-string"),
    (Number, "syntax-number"),
    (Comment, "syntax-mute"),
    (Name.Function, "syntax-key"),
    (Name.Class, "syntax-key"),
    (Name.Attribute, "syntax-key"),
    (Name.Tag, "syntax-key"),
    (Generic.Inserted, "syntax-string"),
    (Generic.Deleted, "syntax-number"),
)


def figure(code: str, info: str, *, plain: bool = False, continued: bool = False) -> str:
    """Frame a code block; `info` is the fence's info string, `plain` leaves it uncoloured."""
    words = info.split(maxsplit=1)
    language = words[0][:LANGUAGE_LIMIT] if words else ""
    body = escape(code) if plain else highlight(code, language)
    more = " code-continued" if continued else ""
    return (
        f'<figure class="code{more}"><figcaption>'
        f'<span class="code-language">{escape(language or "text")}</span>'
        '<button type="button" class="code-wrap" aria-pressed="false">Wrap</button>'
        '<button type="button" class="code-copy">Copy</button></figcaption>'
        f'<pre tabindex="0"><code>{body}</code></pre></figure>'
    )


# The cache is for a closed fence in a list: it stays in the tail, which is rendered repeatedly.
@lru_cache(maxsize=32)
def highlight(code: str, language: str) -> str:
    """Return the code as escaped HTML, coloured where the language is known and it is not huge."""
    lexer = _lexer(language.lower()) if len(code) <= HIGHLIGHT_LIMIT else None
    costly = _COSTLY_IN_C if language.lower() in _C_FAMILY else _COSTLY
    if lexer is None or costly.search(code):
        return escape(code)
    pieces: list[tuple[str, str]] = []
    for token_type, value in lexer.get_tokens(code):
        name = _class_of(token_type)
        if pieces and pieces[-1][0] == name:
            pieces[-1] = (name, pieces[-1][1] + value)
        else:
            pieces.append((name, value))
    if "".join(value for _, value in pieces) != code:
        return escape(code)
    return "".join(_span(name, value) for name, value in pieces)


def _span(name: str, value: str) -> str:
    return f'<span class="{name}">{escape(value)}</span>' if name else escape(value)


@lru_cache(maxsize=1024)
def _class_of(token_type: _TokenType) -> str:
    return next((name for family, name in _CLASSES if family in token_type.split()), "")


@lru_cache(maxsize=len(LANGUAGES))
def _known_lexer(language: str) -> Lexer:
    lexer: Lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    return lexer


def _lexer(language: str) -> Lexer | None:
    return _known_lexer(language) if language in LANGUAGES else None
