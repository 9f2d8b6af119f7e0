"""`manage.py build_assets`: what is made from packages before static files are collected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from toolbench_site.environment import BASE_DIR
from toolbench_site.fonts import build_fonts
from toolbench_site.sprite import SPRITE, build_sprite


class Command(BaseCommand):
    """Builds the icon sprite, and the fonts' copies where npm's packages are installed."""

    help = "Build the icon sprite and copy the fonts into build/assets/."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from and where to; the defaults are what everything else expects."""
        parser.add_argument("--target", type=Path, default=BASE_DIR / "build" / "assets")
        parser.add_argument("--node-modules", type=Path, default=BASE_DIR / "node_modules")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build everything anew."""
        target: Path = options["target"]
        sprite = target / SPRITE
        sprite.parent.mkdir(parents=True, exist_ok=True)
        sprite.write_text(build_sprite(), encoding="utf-8")
        fonts = build_fonts(options["node_modules"], sprite.parent)
        self.stdout.write(
            f"Built the icons and {len(fonts)} fonts."
            if fonts
            else "Built the icons. npm's font packages are not there, so the system's fonts serve."
        )
