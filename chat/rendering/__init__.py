"""Markdown of a model, as HTML that is safe to show: live, on page load, in review and in export.

One renderer serves all of them. `render` is `IncrementalRenderer` fed once and finished, so what
was seen growing is what a reload shows.

Classes that the stylesheet can use (nothing else carries a class, and nothing carries a style):

- `figure.code` around every code block; in it `figcaption`, `span.code-language`,
  `button.code-wrap` (with `aria-pressed`), `button.code-copy`, `pre > code`. A block too long for
  one piece goes on in `figure.code.code-continued`. Code has no `dir` of its own: the stylesheet
  keeps it left to right.
- `span.syntax-key`, `.syntax-string`, `.syntax-number`, `.syntax-word`, `.syntax-mute` in code.
- `div.table-scroll` around every table; `th` and `td` with `.align-left`, `.align-center`,
  `.align-right`.
- `span.link-host` at the end of a link: where it leads, unless its text says just that.
- `span.link-address` after words whose link was refused: the address, as text.
- `span.image-placeholder` in the place of an image, which never loads.
"""

from chat.rendering.incremental import (
    TAIL_LIMIT,
    IncrementalRenderer,
    Update,
    render,
    render_blocks,
)

__all__ = ["TAIL_LIMIT", "IncrementalRenderer", "Update", "render", "render_blocks"]
