"""What an admin decides about a tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q

from tools.registry import registered_tools

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class ToolRule:
    """One tool's setting as it stands for one person."""

    name: str
    usable: bool
    time_limit: float | None
    output_cap: int | None


class ToolSettingManager(models.Manager["ToolSetting"]):
    """Tool settings, found by the name of their tool."""

    def get_by_natural_key(self, name: str) -> ToolSetting:
        """The setting of the tool of this name."""
        return self.get(name=name)

    def rules_for(self, user: User) -> list[ToolRule]:
        """Every setting as it stands for this person, in one query."""
        links = ToolSetting.groups.through.objects.filter(toolsetting=OuterRef("pk"))
        rows = self.annotate(
            restricted=Exists(links), member=Exists(links.filter(group__user=user.pk))
        ).values_list("name", "enabled", "restricted", "member", "time_limit", "output_cap")
        return [
            ToolRule(
                name=name,
                usable=enabled and (member or not restricted or user.is_superuser),
                time_limit=time_limit,
                output_cap=output_cap,
            )
            for name, enabled, restricted, member, time_limit, output_cap in rows
        ]

    def sync_with_registry(self) -> int:
        """Make the missing settings of tools in the code; returns how many were missing."""
        present = set(self.values_list("name", flat=True))
        missing = [tool.name for tool in registered_tools() if tool.name not in present]
        # Two processes may find the same one missing; the row of the first stands.
        self.bulk_create([ToolSetting(name=name) for name in missing], ignore_conflicts=True)
        return len(missing)


class ToolSetting(models.Model):
    """Whether a tool is offered, to whom, and within which limits."""

    name = models.CharField("tool", max_length=64, unique=True)
    enabled = models.BooleanField(
        "enabled", default=True, help_text="A tool that is off is offered to no model."
    )
    groups = models.ManyToManyField(
        Group,
        verbose_name="who may use it",
        blank=True,
        related_name="+",
        help_text="Members of these groups may use the tool. With no group, everyone may.",
    )
    time_limit = models.FloatField(
        "time limit",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(3600)],
        help_text="Seconds until a call is stopped. Empty: the tool's own limit.",
    )
    output_cap = models.PositiveIntegerField(
        "output cap",
        null=True,
        blank=True,
        validators=[MinValueValidator(200), MaxValueValidator(1_000_000)],
        help_text=(
            "Characters of a result that the model reads; a longer one keeps its head and tail. "
            "Empty: the tool's own cap."
        ),
    )

    objects = ToolSettingManager()

    class Meta:
        verbose_name = "tool"
        verbose_name_plural = "tools"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(time_limit__isnull=True) | Q(time_limit__gt=0),
                name="tools_toolsetting_time_limit_positive",
                violation_error_message="The time limit must be over 0 seconds.",
            ),
            models.CheckConstraint(
                condition=Q(output_cap__isnull=True) | Q(output_cap__gt=0),
                name="tools_toolsetting_output_cap_positive",
                violation_error_message="The output cap must be over 0 characters.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """The name of the tool."""
        return (self.name,)
