"""What all bodies and frames share that Toolbench sends and that are put together by hand."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

StageStatus = Literal["queued", "running", "waiting", "done", "cancel", "error"]


class Sent(BaseModel):
    """Describes a JSON object that is sent; the hot paths write it without this model.

    A field with the default None is absent where it has no value. One that may then be null too
    stands in `nullable`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    nullable: ClassVar[frozenset[str]] = frozenset()


class FieldProblem(Sent):
    """Where something that was sent is at fault, and why."""

    loc: str
    msg: str
