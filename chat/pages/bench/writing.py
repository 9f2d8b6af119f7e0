"""The box in which cases are written as YAML: what stands in it and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.http import HttpRequest

from chat.bench.yaml_text import MOST_CHARACTERS
from chat.services import Refused


@dataclass(frozen=True, slots=True)
class BoxForm:
    """A text that was written or uploaded; `problems` name case and field."""

    text: str
    problems: tuple[str, ...] = ()
    is_taken: bool = False

    def with_refusal(self, refusal: Refused) -> BoxForm:
        """The same text, with what a service said of it."""
        problems = tuple(refusal.more.get("problems") or (refusal.message,))
        # The one refusal of a good text: the name is in use, and may be used anew.
        return replace(self, problems=problems, is_taken="problems" not in refusal.more)


def read_box(request: HttpRequest) -> BoxForm:
    """What was sent: an uploaded file goes before the text in the box."""
    text = request.POST.get("text", "").replace("\r\n", "\n")
    file = request.FILES.get("file")
    if file is None:
        return BoxForm(text)
    if (file.size or 0) > MOST_CHARACTERS:
        return BoxForm(text, ("The file is too large. A suite has at most 2 million characters.",))
    try:
        return BoxForm(file.read().decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError:
        return BoxForm(text, ("The file is not text in UTF-8. Save it as UTF-8 and try again.",))
