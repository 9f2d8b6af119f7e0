"""A reader of rendered HTML that objects to all that is not on its list."""

from html.parser import HTMLParser

LINK = {"href", "title", "target", "rel"}
TEXT_BLOCKS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "blockquote", "table")
BARE = ("em", "strong", "s", "code", "br", "hr", "li", "thead", "tbody", "tr", "figcaption")
ALLOWED: dict[str, set[str]] = {
    **{tag: {"dir"} for tag in TEXT_BLOCKS},
    **{tag: set() for tag in BARE},
    "ol": {"dir", "start"},
    "a": LINK,
    "span": {"class"},
    "th": {"class"},
    "td": {"class"},
    "div": {"class", "tabindex", "role", "aria-label"},
    "figure": {"class"},
    "button": {"type", "class", "aria-pressed"},
    "pre": {"tabindex"},
}
CLASS_NAMES = """
    code code-continued code-language code-wrap code-copy syntax-key syntax-string syntax-number
    syntax-word syntax-mute table-scroll align-left align-center align-right link-host
    link-address image-placeholder
"""
CLASSES = set(CLASS_NAMES.split())
VOID = {"br", "hr"}


class Inspector(HTMLParser):
    """Reads HTML, objects to what is not on the list, and keeps what it saw."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, f"<{tag}> came out"
        values = dict(attrs)
        assert set(values) <= ALLOWED[tag], f"<{tag}> has {sorted(values)}"
        assert set((values.get("class") or "").split()) <= CLASSES
        assert values.get("dir") in {None, "auto"}
        if tag == "a":
            self.links.append(values["href"] or "")
            assert self.links[-1].startswith(("http://", "https://", "mailto:"))
            assert values["rel"] == "noopener noreferrer nofollow"
            assert values["target"] == "_blank"
            assert "a" not in self.open
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment came out")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError("a declaration came out")

    def handle_pi(self, data: str) -> None:
        raise AssertionError("a processing instruction came out")


def inspected(html: str) -> Inspector:
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()
    assert inspector.open == []
    return inspector


def text_of(html: str) -> str:
    return inspected(html).text
