"""Examinations of routes by the doctor, and the settings that it may suggest."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import chat.models.routes


def json_is_automatic(apps, schema_editor):
    """The one dialect there was has other names now; automatic reading finds it."""
    routes = apps.get_model("chat", "ModelRoute").objects.using(schema_editor.connection.alias)
    routes.filter(text_dialect="json").update(text_dialect="auto")


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("chat", "0002_stage_repairs"),
    ]

    operations = [
        migrations.AddField(
            model_name="modelroute",
            name="starts_inside_thinking",
            field=models.BooleanField(
                default=False,
                help_text="The model's text begins inside a thought and only closes it.",
                verbose_name="the prompt template opens the thought",
            ),
        ),
        migrations.AddField(
            model_name="modelroute",
            name="stream_usage",
            field=models.BooleanField(
                default=True,
                help_text="Sends stream_options.include_usage; some servers refuse it.",
                verbose_name="ask for token counts in streams",
            ),
        ),
        migrations.AlterField(
            model_name="modelroute",
            name="text_dialect",
            field=models.CharField(
                choices=chat.models.routes.text_dialects,
                default="auto",
                help_text="How calls written as text are read: auto finds the dialect by itself.",
                max_length=40,
            ),
        ),
        migrations.RunPython(json_is_automatic, migrations.RunPython.noop),
        migrations.CreateModel(
            name="RouteCheckup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for its turn"),
                            ("running", "running"),
                            ("done", "done"),
                            ("stopped", "stopped"),
                            ("failed", "failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "asking",
                    models.CharField(
                        blank=True, help_text="The probe that is asked now.", max_length=40
                    ),
                ),
                ("results", models.JSONField(default=list)),
                ("profile", models.JSONField(default=dict)),
                (
                    "problem",
                    models.TextField(blank=True, help_text="Why it ended without a profile."),
                ),
                ("model", models.CharField(blank=True, max_length=200)),
                ("host", models.CharField(blank=True, max_length=500)),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("claimed_by", models.CharField(blank=True, max_length=40)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "route",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="checkups",
                        to="chat.modelroute",
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        help_text="None: a command.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("waiting", "running"))),
                        fields=("route",),
                        name="one_checkup_of_a_route_at_a_time",
                    )
                ],
            },
        ),
    ]
