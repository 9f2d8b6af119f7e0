"""Markdown to sanitised HTML, one string for each top-level block."""

import logging
import re
import secrets
from collections import ChainMap
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, table
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from chat.rendering.code import figure
from chat.rendering.formulas import formula
from chat.rendering.links import destination, shortened

MAX_NESTING: Final = 40
MAX_CELLS: Final = 16_000

References = MutableMapping[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parsed:
    """The tokens of a piece of Markdown, its source lines and the definitions found in it."""

    tokens: list[Token]
    lines: list[str]
    env: EnvType
    definitions: References
    failed: bool = False

    @property
    def last(self) -> Token | None:
        """The token that opens the last top-level block."""
        opening = (t for t in reversed(self.tokens) if t.level == 0 and t.nesting >= 0)
        return next(opening, None)

    def is_open(self, fence: Token) -> bool:
        """Say whether no line closes a fence, wherever it is nested; a guess, good for looks."""
        first, end = fence.map or (0, 0)
        closing = self.lines[end - 1].strip(" \t>")
        closed = closing.startswith(fence.markup) and not closing.strip(fence.markup[0])
        return end - 1 <= first or not closed


def parse(lines: list[str], references: References) -> Parsed:
    """Parse lines with the definitions in force, which are left as they are."""
    definitions: References = {}
    env: EnvType = {"references": ChainMap(definitions, references)}
    try:
        tokens = _markdown.parse("".join(f"{line}\n" for line in lines), env)
    except Exception:
        # The parser is not ours and the text is anybody's: a defect there costs the looks of one
        # block, never the page. The text itself is not logged.
        log.exception("Markdown could not be parsed; it is shown as plain text.")
        return Parsed([], lines, env, {}, failed=True)
    return Parsed(tokens, lines, env, definitions)


def html_blocks(parsed: Parsed, *, growing: bool = False) -> Iterator[str]:
    """Yield the HTML of each top-level block; in a growing text an open fence is not coloured."""
    if parsed.failed:
        yield _plain(parsed.lines)
    start = 0
    for index, token in enumerate(parsed.tokens):
        if token.level or token.nesting > 0:
            continue
        tokens, start = parsed.tokens[start : index + 1], index + 1
        if token.type != "definition":
            yield _html_block(parsed, tokens, growing)


def _html_block(parsed: Parsed, tokens: list[Token], growing: bool) -> str:
    source = parsed.lines[slice(*(tokens[0].map or ()))]
    if any(token.level >= MAX_NESTING - 1 for token in tokens):
        # Past its limit the parser leaves text out, so the source is shown instead.
        return _plain(source)
    figures: list[str] = []
    env = {**parsed.env, "parsed": parsed if growing else None, "figures": figures}
    try:
        rendered = _markdown.renderer.render(tokens, _markdown.options, env)
    except Exception:
        log.exception("A Markdown block could not be rendered; it is shown as plain text.")
        return _plain(source)
    clean = _cleaner.clean(rendered).rstrip("\n")
    return _PLACE.sub(lambda place: figures[int(place[1])], clean)


def _plain(lines: list[str]) -> str:
    return f'<p dir="auto">{escape(chr(10).join(lines))}</p>'


class _Renderer(RendererHTML):
    """Tokens to HTML: markdown-it's own, but for code, links, images and tables."""

    def renderToken(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        token = tokens[idx]
        if token.level == 0 and token.nesting == 1 and token.block:
            token.attrSet("dir", "auto")
        return super().renderToken(tokens, idx, options, env)

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        parsed: Parsed | None = env["parsed"]
        plain = parsed is not None and parsed.is_open(token)
        return _place(figure(token.content, unescapeAll(token.info), plain=plain), env)

    def code_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return _place(figure(tokens[idx].content, ""), env)

    def definition(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return ""

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        token = tokens[idx]
        end = _closing_of(tokens, idx)
        inner = tokens[idx + 1 : end]
        href = str(token.attrGet("href") or "")
        target = destination(href)
        if token.meta.get("in_link"):
            tokens[end].meta = {"closing": ""}
            return ""
        if target is None:
            note = f' <span class="link-address">({escape(shortened(href))})</span>'
            tokens[end].meta = {"closing": note if href else ""}
            return ""
        for nested in inner:
            nested.meta = {"in_link": True}
        host = f' <span class="link-host">{escape(target.host)}</span>'
        told = target.is_told_by(self.renderInlineAsText(inner, options, env))
        tokens[end].meta = {"closing": ("" if told else host) + "</a>"}
        return f'<a href="{escape(target.href)}" title="{escape(target.host)}">'

    def link_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return str(tokens[idx].meta["closing"])

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        alt = self.renderInlineAsText(token.children, options, env)
        source = str(token.attrGet("src") or "")
        address = escape(shortened(source))
        target = None if token.meta.get("in_link") else destination(source)
        if target is not None:
            address = f'<a href="{escape(target.href)}" title="{escape(target.host)}">{address}</a>'
        return f'<span class="image-placeholder">[image: {escape(alt)}] {address}</span>'

    def table_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        opening = '<div class="table-scroll" tabindex="0" role="region" aria-label="Table">'
        return opening + self.renderToken(tokens, idx, options, env)

    def table_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return "</table></div>"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        # A heading without words names nothing, so an empty corner is a plain cell.
        if not tokens[idx + 1].content.strip():
            tokens[idx].tag = tokens[idx + 2].tag = "td"
        return _cell(tokens[idx])

    td_open = th_open


def _closing_of(tokens: Sequence[Token], opening: int) -> int:
    """Find a link's end; in this parser an <address> may stand within a link's words."""
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].type in {"link_open", "link_close"}:
            depth += tokens[index].nesting
        if depth == 0:
            return index
    raise ValueError("A link without an end.")


def _cell(token: Token) -> str:
    style = str(token.attrGet("style") or "")
    side = style.removeprefix("text-align:")
    return f'<{token.tag} class="align-{side}">' if side else f"<{token.tag}>"


# A figure is put in after sanitising, so that its buttons are ours. Its place is marked with a
# number that no text can know.
_NONCE: Final = secrets.token_hex(8)
_PLACE: Final = re.compile(rf'<pre data-place="{_NONCE}-(\d+)"></pre>\n?')


def _place(html: str, env: EnvType) -> str:
    env["figures"].append(html)
    return f'<pre data-place="{_NONCE}-{len(env["figures"]) - 1}"></pre>\n'


def _bounded_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read a table, unless its short rows could be filled up to more cells than it has letters."""
    if start + 1 >= end:
        return False
    columns = state.src.count("|", state.bMarks[start + 1], state.eMarks[start + 1]) + 1
    return columns * (end - start) <= MAX_CELLS and table(state, start, end, silent)


def _parser() -> MarkdownIt:
    markdown = MarkdownIt(
        "commonmark",
        {"html": False, "maxNesting": MAX_NESTING, "inline_definitions": True, "xhtmlOut": False},
        renderer_cls=_Renderer,
    ).enable(["table", "strikethrough"])
    markdown.block.ruler.at("table", _bounded_table, {"alt": ["paragraph", "reference"]})
    markdown.inline.ruler.before("escape", "formula", formula)
    # Every address is taken, so that a refused one can be shown as text; `links` decides.
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]
    return markdown


_BLOCKS: Final = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "table"}
_WITHIN_BLOCKS: Final = {"li", "thead", "tbody", "tr", "th", "td", "pre", "hr", "div"}
_INLINE: Final = {"em", "strong", "s", "code", "br", "a", "span"}
_SIDES: Final = {"align-left", "align-center", "align-right"}

_markdown: Final = _parser()
_cleaner: Final = nh3.Cleaner(
    tags=_BLOCKS | _WITHIN_BLOCKS | _INLINE,
    clean_content_tags={"script", "style"},
    attributes={"a": {"href", "title"}, "ol": {"start"}, "pre": {"data-place"}},
    tag_attribute_values={
        **{tag: {"dir": {"auto"}} for tag in _BLOCKS},
        "div": {"tabindex": {"0"}, "role": {"region"}, "aria-label": {"Table"}},
    },
    set_tag_attribute_values={"a": {"target": "_blank"}},
    allowed_classes={
        "span": {"link-host", "link-address", "image-placeholder"},
        "div": {"table-scroll"},
        "th": _SIDES,
        "td": _SIDES,
    },
    link_rel="noopener noreferrer nofollow",
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
)
