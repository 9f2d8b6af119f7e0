"""Repairs get rows of their own; those that journals hold are filled in."""

import json

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import Count, OuterRef, Subquery

ROWS_AT_ONCE = 500


def fill_in(apps, schema_editor):
    """A row per repair that a journal tells of; the counts of stages follow."""
    alias = schema_editor.connection.alias
    events = apps.get_model("chat", "StageEvent").objects.using(alias)
    repairs = apps.get_model("chat", "StageRepair").objects.using(alias)
    stages = apps.get_model("chat", "Stage").objects.using(alias)
    rows = []
    for event in events.filter(event="repair").order_by("id").iterator(chunk_size=ROWS_AT_ONCE):
        data = json.loads(event.data)
        rows.append(
            repairs.model(
                stage_id=event.stage_id,
                code=data["code"][:80],
                detail=data["detail"][:300],
                created_at=event.ts,
            )
        )
        if len(rows) == ROWS_AT_ONCE:
            repairs.bulk_create(rows, ignore_conflicts=True)
            rows = []
    repairs.bulk_create(rows, ignore_conflicts=True)
    counted = repairs.filter(stage=OuterRef("pk")).order_by().values("stage")
    stages.filter(repairs_count__gt=0, repairs__isnull=False).update(
        repairs_count=Subquery(counted.annotate(rows=Count("pk")).values("rows"))
    )


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="StageRepair",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(default=1)),
                ("phase", models.CharField(blank=True, max_length=10)),
                ("code", models.CharField(max_length=80)),
                ("detail", models.CharField(max_length=300)),
                (
                    "raw",
                    models.TextField(
                        blank=True, help_text="The upstream's bytes, cut and without its key."
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "stage",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="repairs",
                        to="chat.stage",
                    ),
                ),
            ],
            options={
                "ordering": ("stage", "id"),
                "indexes": [
                    models.Index(fields=["created_at"], name="repairs_by_time"),
                    models.Index(fields=["code"], name="repairs_by_code"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("stage", "code", "detail"), name="one_row_per_repair_of_a_stage"
                    )
                ],
            },
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
    ]
