"""Stages through other doors: tools in the prompt, or run by the caller."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0004_api_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="stage",
            name="caller_tools",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Tools that the caller runs itself, as it gave them.",
            ),
        ),
        migrations.AddField(
            model_name="stage",
            name="history_digest",
            field=models.CharField(
                blank=True,
                help_text="Of the history, where the caller keeps it itself.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="stage",
            name="tool_mode",
            field=models.CharField(
                choices=[("native", "by the server"), ("text", "in the prompt")],
                default="native",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="toolrun",
            name="status",
            field=models.CharField(
                choices=[
                    ("running", "running"),
                    ("ok", "ok"),
                    ("error", "failed"),
                    ("invalid", "invalid"),
                    ("timeout", "timed out"),
                    ("denied", "denied"),
                    ("cancelled", "cancelled"),
                    ("lost", "lost"),
                    ("handed_over", "handed to the caller"),
                ],
                default="running",
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="stage",
            index=models.Index(
                condition=models.Q(("history_digest", ""), _negated=True),
                fields=["owner", "history_digest"],
                name="stages_by_history",
            ),
        ),
    ]
