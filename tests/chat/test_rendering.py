"""The Markdown renderer: safe whatever is written, and the same however it arrives."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.rendering import TAIL_LIMIT, IncrementalRenderer, Update, render, render_blocks
from chat.rendering.blocks import html_blocks, parse
from chat.rendering.code import HIGHLIGHT_LIMIT, LANGUAGES, figure, highlight
from chat.rendering.links import destination
from tests.chat.rendered_html import inspected, text_of

LINES = """
- a|  - b|* c|1. x|2) y|> q|>|```|```py|~~~|  ```|    code|\tcode|# h|## h2|---|===|***|- |> - z
text *b* `c`|lazy|   three|     five|  ~~~|- ```|> ```|1. ```js|$a*b$|~~s~~|#|+|10. q|     - deep
* * *| \t|  \t```|<b>|:-|```a`b|~~~~|   ```|\\(x_1\\)|[a](http://b)|![i](j)|<http://k>|&amp;|\\|``
"""
LINE = st.sampled_from([*LINES.replace("\n", "|").split("|"), "", "", "| a | b |", "|---|:-:|"])
MARKDOWN = st.lists(LINE, max_size=16).map("\n".join)
CUTS = st.lists(st.integers(0, 9), min_size=1, max_size=20)


def in_pieces(text: str, sizes: list[int], limit: int = TAIL_LIMIT) -> tuple[list[str], str]:
    """Feed a text in pieces and follow the updates as a client does; 0 skips an update."""
    renderer, seen, start, turn = IncrementalRenderer(limit=limit), list[str](), 0, 0
    while start < len(text):
        size = sizes[turn % len(sizes)] + 1
        renderer.feed(text[start : start + size])
        start, turn = start + size, turn + 1
        update = renderer.update() if size > 1 else None
        if update:
            seen[update.from_block :] = update.blocks
            assert update.through_chars == min(start, len(text))
    last = renderer.finish()
    seen[last.from_block :] = last.blocks
    return seen, last.tail


# --- the same however it arrives ---------------------------------------------------------------


@settings(max_examples=400, deadline=None)
@given(MARKDOWN, CUTS)
def test_blocks_are_the_same_at_every_cut(text: str, sizes: list[int]) -> None:
    blocks, tail = in_pieces(text, sizes)
    assert "".join(blocks) == render(text)
    assert tail == ""


@settings(max_examples=400, deadline=None)
@given(MARKDOWN, CUTS, st.integers(3, 60))
@example("1. ```js\n\n`````````````\n***\n", [9], 9)
@example("- a\n- b\n\nx\n", [8], 8)
def test_blocks_are_the_same_at_every_cut_when_the_tail_is_over_its_limit(
    text: str, sizes: list[int], limit: int
) -> None:
    whole = IncrementalRenderer(limit=limit)
    whole.feed(text)
    assert in_pieces(text, sizes, limit)[0] == list(whole.finish().blocks)


@settings(max_examples=400, deadline=None)
@given(MARKDOWN.filter(lambda text: text != ""))
def test_freezing_early_changes_nothing_of_what_markdown_says(text: str) -> None:
    at_once = html_blocks(parse(text.removesuffix("\n").split("\n"), {}))
    assert render_blocks(text) == tuple(at_once)


@pytest.mark.parametrize(
    "text",
    [
        "- a\n\n  more of a\n\n- b\n\n\n  more of b\n",
        "> quoted\nlazily\n\n> another\n",
        "Title\n===\n\nText\n---\n",
        "1. a\n\n   ```py\n   x = 1\n\n   y = 2\n   ```\n\n2. b\n",
        "text\n| a | b |\n|---|---|\n| 1 | 2 |\n\nafter\n",
        "    code\n\n    more code\n\nafter\n",
        "```py\nx\n\n# no heading\n\n- no list\n```\nafter\n",
        "  ```\n  x\n\nstill code\n  ```\nafter\n",
        "one\r\n\r\ntwo\r\rthree\r",
    ],
)
def test_every_single_cut_gives_the_same_blocks(text: str) -> None:
    for cut in range(len(text) + 1):
        renderer = IncrementalRenderer()
        renderer.feed(text[:cut])
        first = renderer.update()
        renderer.feed(text[cut:])
        last = renderer.finish()
        assert "".join((*(first.blocks if first else ()), *last.blocks)) == render(text)


def test_a_finished_block_is_sent_once_and_only_the_tail_again() -> None:
    renderer = IncrementalRenderer()
    renderer.feed("First\n\nSec")
    assert renderer.update() == Update(0, ('<p dir="auto">First</p>',), '<p dir="auto">Sec</p>', 10)
    assert renderer.update() is None
    renderer.feed("ond")
    assert renderer.update() == Update(1, (), '<p dir="auto">Second</p>', 13)
    assert renderer.snapshot().from_block == 0
    assert renderer.snapshot().blocks == ('<p dir="auto">First</p>',)
    assert renderer.finish() == Update(1, ('<p dir="auto">Second</p>',), "", 13)


def test_an_open_code_block_is_plain_until_it_closes() -> None:
    renderer = IncrementalRenderer()
    renderer.feed("```python\nreturn 1\n")
    growing = renderer.update()
    assert growing is not None
    assert "return 1" in growing.tail
    assert "syntax-" not in growing.tail
    renderer.feed("```\n")
    closed = renderer.update()
    assert closed is not None
    assert '<span class="syntax-word">return</span>' in closed.blocks[0]
    assert closed.tail == ""


def test_a_code_block_in_a_list_is_plain_until_it_closes() -> None:
    renderer = IncrementalRenderer()
    renderer.feed("- a\n  ```python\n  return 1\n")
    growing = renderer.update()
    assert growing is not None
    assert "syntax-" not in growing.tail
    renderer.feed("  ```\n")
    closed = renderer.update()
    assert closed is not None
    assert "syntax-word" in closed.tail


def test_definitions_act_on_later_blocks_only() -> None:
    html = render("[a] before\n\n[a]: https://one.test\n\n[a] after\n\n[a]: https://two.test\n")
    assert '<p dir="auto">[a] before</p>' in html
    assert html.count("https://one.test") == 1
    assert "two.test" not in html


def test_a_definition_in_the_tail_may_still_change() -> None:
    renderer = IncrementalRenderer()
    renderer.feed("Text\n\n[a]: https://one.te")
    renderer.update()
    renderer.feed("st/x\n\n[a]\n")
    renderer.finish()
    assert 'href="https://one.test/x"' in renderer.blocks[-1]


def test_a_long_code_block_goes_on_in_pieces_and_closes_where_it_closes() -> None:
    code = "".join(f"line_{n} = {n}\n" for n in range(3000))
    blocks = render_blocks(f"```py\n{code}```\n*after*\n")
    assert blocks[-1] == '<p dir="auto"><em>after</em></p>'
    assert all('class="code code-continued"' in block for block in blocks[1:-1])
    assert "".join(text_of(block).removeprefix("pyWrapCopy") for block in blocks[:-1]) == code


def test_a_long_code_block_in_a_list_item_does_not_turn_the_rest_into_code() -> None:
    code = "".join(f"   line_{n} = {n}\n" for n in range(3000))
    blocks = render_blocks(f"1. a\n\n   ```py\n{code}   ```\n2. *b*\n\n*after*\n")
    assert blocks[-2:] == (
        '<ol start="2" dir="auto">\n<li><em>b</em></li>\n</ol>',
        '<p dir="auto"><em>after</em></p>',
    )


def test_a_long_list_is_frozen_between_its_items() -> None:
    text = "".join(f"{n}. item {n}\n   goes on\n" for n in range(1, 1500))
    blocks = render_blocks(text)
    assert len(blocks) > 1
    assert "".join(blocks).count("<li>") == 1499
    assert all("goes on</li>\n</ol>" in block for block in blocks)


def test_a_line_without_end_is_frozen_at_a_space() -> None:
    blocks = render_blocks("word " * 10_000)
    assert len(blocks) == 4
    assert all(block.endswith("word</p>") for block in blocks)


# --- its cost ----------------------------------------------------------------------------------


def parsed_per_update(text: str, step: int = 40) -> tuple[int, int]:
    """Return the most characters parsed in one update, and all of them."""
    renderer, most = IncrementalRenderer(), 0
    for start in range(0, len(text), step):
        before = renderer.parsed_chars
        renderer.feed(text[start : start + step])
        renderer.update()
        most = max(most, renderer.parsed_chars - before)
    renderer.finish()
    return most, renderer.parsed_chars


SECTION = (
    "## Part\n\nSome *words* here.\n\n- a\n- b\n\n```py\nx = 1\n```\n\n| a |\n|---|\n| 1 |\n\n"
)


def test_an_update_costs_the_same_however_long_the_answer_is() -> None:
    short_most, short_all = parsed_per_update(SECTION * 50)
    long_most, long_all = parsed_per_update(SECTION * 500)
    assert long_most <= short_most + len(SECTION)
    assert long_most < 4 * len(SECTION)
    assert long_all < 10.1 * short_all


@pytest.mark.parametrize(
    "text",
    ["- a\n\n" * 8000, "> a\n" * 20_000, "a " * 50_000, "```\n" + "x\n\n" * 30_000, "[" * 20_000],
)
def test_one_endless_block_is_parsed_within_the_limit_of_the_tail(text: str) -> None:
    renderer = IncrementalRenderer()
    renderer.feed(text)
    renderer.finish()
    assert renderer.parsed_chars <= 4 * len(text) + TAIL_LIMIT
    assert parsed_per_update(text[:40_000], step=5000)[0] <= 4 * TAIL_LIMIT


def test_an_open_code_block_is_never_parsed() -> None:
    assert parsed_per_update("```\n" + "x = [1]\n\n" * 1000)[1] < 100


# --- what it looks like ------------------------------------------------------------------------


def test_a_link_shows_its_host_unless_its_words_say_so() -> None:
    html = render(
        "[the docs](https://docs.test/a) <https://docs.test/b> [docs.test](https://docs.test)"
    )
    assert html.count('title="docs.test"') == 3
    assert html.count('<span class="link-host">docs.test</span>') == 1


def test_a_link_whose_words_name_another_host_shows_where_it_leads() -> None:
    assert '<span class="link-host">evil.test</span>' in render("[bank.test](https://evil.test)")
    assert '<span class="link-host">xn--' in render("[bänk.test](https://bänk.test)")


@pytest.mark.parametrize(
    ("href", "host"),
    [
        ("https://a.test/x?y#z", "a.test"),
        ("http://a.test:8080/", "a.test:8080"),
        ("https://[::1]:80/", "[::1]:80"),
        ("mailto:me@a.test", "a.test"),
    ],
)
def test_a_permitted_address_has_a_host(href: str, host: str) -> None:
    target = destination(href)
    assert target is not None
    assert target.host == host


@pytest.mark.parametrize(
    "href",
    ["", "a", "/a", "//a.test", "ftp://a.test", "https:a.test", "https://", "https://b@a.test/",
     "https://a.test:x/", "https://[a", "javascript:1", "mailto:", "mailto:a", "https://a b/",
     "https://a%2eb/", "https://ä.test/"],
)  # fmt: skip
def test_another_address_is_refused(href: str) -> None:
    assert destination(href) is None


def test_a_refused_link_keeps_its_words_and_shows_its_address() -> None:
    html = render("[the list](./list.md)")
    assert html == '<p dir="auto">the list <span class="link-address">(./list.md)</span></p>'


def test_an_image_becomes_its_words_and_its_address() -> None:
    inspector = inspected(
        render("![a *cat*](https://img.test/cat.png) ![x](data:image/png;base64,AA)")
    )
    assert (
        inspector.text
        == "[image: a cat] https://img.test/cat.png [image: x] data:image/png;base64,AA"
    )
    assert inspector.links == ["https://img.test/cat.png"]


def test_a_long_address_is_shown_cut_at_its_end() -> None:
    assert len(render("![x](data:image/png;base64," + "A" * 5000 + ")")) < 300


def test_a_code_block_has_its_language_and_our_buttons() -> None:
    assert render('```python title="x"\nreturn "é" # c\n```') == (
        '<figure class="code"><figcaption><span class="code-language">python</span>'
        '<button type="button" class="code-wrap" aria-pressed="false">Wrap</button>'
        '<button type="button" class="code-copy">Copy</button></figcaption>'
        '<pre tabindex="0"><code><span class="syntax-word">return</span> '
        '<span class="syntax-string">&quot;é&quot;</span> '
        '<span class="syntax-mute"># c</span>\n</code></pre></figure>'
    )


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_colouring_changes_no_letter_of_the_code(language: str) -> None:
    code = "\n\n  a = \"b\" // c\n\tdef f(x): <b>é</b> 'd' 0x1f # e\n\n"
    assert text_of(highlight(code, language)) == code


def test_code_in_an_unknown_language_or_too_long_stays_plain() -> None:
    assert "<span" not in highlight("return 1", "klingon")
    assert "<span" in highlight("return 1\n" * 100, "python")
    assert "<span" not in highlight("return 1\n" * (HIGHLIGHT_LIMIT // 9 + 1), "python")


@pytest.mark.parametrize("run", ["@a\n", "a.\n", "$\n", "\n"])
def test_code_made_to_keep_the_lexer_busy_stays_plain(run: str) -> None:
    assert "<span" not in highlight(run * 4000 + '"', "cs")


def test_a_long_language_name_is_cut() -> None:
    assert len(figure("", "x" * 5000)) < 400


def test_a_table_scrolls_in_its_own_box_and_aligns_by_class() -> None:
    html = render("| a | b | c |\n|---|--:|:-:|\n| 1 | 2 | 3 |")
    box = '<div class="table-scroll" tabindex="0" role="region" aria-label="Table">'
    assert html.startswith(f'{box}<table dir="auto">')
    assert '<td class="align-right">2</td>\n<td class="align-center">3</td>' in html
    assert html.endswith("</table></div>")


@pytest.mark.parametrize(
    "formula",
    [
        "$a_1 * b_2 * c$",
        "\\(x_1 * y_1 * z\\)",
        "\\[ \\frac{a}{b} \\\\ c_1 \\]",
        "$$\na_1 \\\\ b_1\n$$",
    ],
)
def test_a_formula_stays_the_text_it_is(formula: str) -> None:
    assert render(f"So {formula} holds.") == f'<p dir="auto">So {formula} holds.</p>'


def test_prices_are_no_formula() -> None:
    assert "<em>not</em>" in render("It costs $5, *not* $10.")


def test_each_block_finds_its_own_direction() -> None:
    blocks = render_blocks("# a\n\nשלום\n\n- ب\n\n> c\n\n| d |\n|---|\n")
    assert len(blocks) == 5
    assert all('dir="auto"' in block for block in blocks)
