"""Icons in templates: `{% icon "copy" %}` draws a symbol of the sprite in the text's colour."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from toolbench_site.sprite import GLYPHS, ICONS, SPRITE

register = template.Library()

_KNOWN = frozenset(ICONS) | frozenset(GLYPHS)


@register.simple_tag
def sprite() -> str:
    """The sprite's address; a symbol is `{% sprite %}#name`."""
    return static(SPRITE)


@register.simple_tag
def icon(name: str, **attributes: str) -> SafeString:
    """An icon by name; `class="…"` adds classes. It says nothing by itself: name the control."""
    if name not in _KNOWN:
        raise template.TemplateSyntaxError(
            f"The sprite has no icon {name!r}. Add it to ICONS in toolbench_site/sprite.py."
        )
    classes = " ".join(filter(None, ("icon", attributes.get("class"))))
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        classes,
        static(SPRITE),
        name,
    )


@register.filter
def initials(name: str) -> str:
    """One or two letters that stand for a person's name."""
    words = [word for word in name.replace(".", " ").replace("_", " ").split() if word]
    letters = [word[0] for word in words]
    return "".join(letters[:1] + letters[-1:] if len(letters) > 1 else letters).upper()
