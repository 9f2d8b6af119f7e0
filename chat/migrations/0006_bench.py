"""The bench: suites, runs and their trials; prices of routes."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("chat", "0005_other_doors"),
    ]

    operations = [
        migrations.AddField(
            model_name="modelroute",
            name="currency",
            field=models.CharField(
                blank=True,
                default="USD",
                help_text="Of both prices, for example USD.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="modelroute",
            name="price_input",
            field=models.DecimalField(
                blank=True,
                decimal_places=6,
                help_text="Per million tokens. Empty: the bench shows no cost.",
                max_digits=12,
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
                verbose_name="price of input",
            ),
        ),
        migrations.AddField(
            model_name="modelroute",
            name="price_output",
            field=models.DecimalField(
                blank=True,
                decimal_places=6,
                help_text="Per million tokens.",
                max_digits=12,
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
                verbose_name="price of output",
            ),
        ),
        migrations.CreateModel(
            name="BenchRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "number",
                    models.PositiveIntegerField(
                        default=0,
                        help_text=(
                            "What its owner calls it by: their runs counted from 1, in order."
                        ),
                    ),
                ),
                ("suite_name", models.CharField(max_length=100)),
                (
                    "cases",
                    models.JSONField(default=list, help_text="As they were when the run was made."),
                ),
                ("live", models.BooleanField(default=False)),
                (
                    "targets",
                    models.JSONField(
                        default=list, help_text='[{"route": slug, "tool_mode": …}, …]'
                    ),
                ),
                (
                    "tries",
                    models.PositiveSmallIntegerField(
                        default=1, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "at_once",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Trials of a route side by side; 0: by where the route leads.",
                    ),
                ),
                ("judge_route", models.CharField(blank=True, max_length=50)),
                (
                    "total",
                    models.PositiveIntegerField(default=0, help_text="How many trials it has."),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "waiting for its turn"),
                            ("running", "running"),
                            ("done", "done"),
                            ("stopped", "stopped"),
                            ("failed", "failed"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                (
                    "problem",
                    models.TextField(blank=True, help_text="Why it ended without all its trials."),
                ),
                ("claimed_by", models.CharField(blank=True, max_length=40)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                (
                    "in_process",
                    models.BooleanField(
                        default=False,
                        help_text="A command carries it out itself; no serving process takes it.",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "baseline",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="later_runs",
                        to="chat.benchrun",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bench_runs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at",),
            },
        ),
        migrations.CreateModel(
            name="BenchSuite",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("description", models.TextField(blank=True)),
                (
                    "live",
                    models.BooleanField(
                        default=False, help_text="The real tools run, nothing recorded."
                    ),
                ),
                (
                    "cases",
                    models.JSONField(default=list, help_text="As chat.bench.cases reads them."),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bench_suites",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("name", "id"),
            },
        ),
        migrations.CreateModel(
            name="BenchTrial",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("route", models.CharField(help_text="The route's slug.", max_length=50)),
                (
                    "tool_mode",
                    models.CharField(
                        choices=[("native", "native"), ("text", "text")],
                        default="native",
                        max_length=10,
                    ),
                ),
                ("case_id", models.CharField(max_length=80)),
                (
                    "case_digest",
                    models.CharField(
                        blank=True,
                        help_text="Of the case's content: equal ones can be compared.",
                        max_length=16,
                    ),
                ),
                ("category", models.CharField(max_length=20)),
                (
                    "number",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="From 1 to the run's tries."
                    ),
                ),
                (
                    "position",
                    models.PositiveIntegerField(default=0, help_text="Its place in the run."),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("idle", "idle"),
                            ("executing", "executing"),
                            ("success", "success"),
                            ("failed", "failed"),
                        ],
                        default="idle",
                        max_length=10,
                    ),
                ),
                ("passed", models.BooleanField(null=True)),
                ("code", models.CharField(blank=True, max_length=60)),
                ("message", models.TextField(blank=True)),
                ("findings", models.JSONField(default=list)),
                ("request_ms", models.PositiveIntegerField(null=True)),
                ("execution_ms", models.PositiveIntegerField(null=True)),
                ("upstream_ms", models.PositiveIntegerField(null=True)),
                ("first_token_ms", models.PositiveIntegerField(null=True)),
                ("input_tokens", models.PositiveIntegerField(null=True)),
                ("output_tokens", models.PositiveIntegerField(null=True)),
                ("cost", models.DecimalField(decimal_places=10, max_digits=20, null=True)),
                ("currency", models.CharField(blank=True, max_length=8)),
                ("repairs", models.PositiveIntegerField(default=0)),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="How often it was begun; more than once after an interruption.",
                    ),
                ),
                ("claimed_by", models.CharField(blank=True, max_length=40)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trials",
                        to="chat.benchrun",
                    ),
                ),
                (
                    "stage",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="bench_trials",
                        to="chat.stage",
                    ),
                ),
            ],
            options={
                "ordering": ("run", "position"),
            },
        ),
        migrations.AddIndex(
            model_name="benchrun",
            index=models.Index(
                fields=["owner", "suite_name", "-created_at"], name="bench_run_list"
            ),
        ),
        migrations.AddIndex(
            model_name="benchrun",
            index=models.Index(
                condition=models.Q(("status__in", ("queued", "running"))),
                fields=["created_at"],
                name="bench_runs_to_do",
            ),
        ),
        migrations.AddConstraint(
            model_name="benchrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ("queued", "running", "done", "stopped", "failed"))
                ),
                name="bench_run_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="benchsuite",
            constraint=models.UniqueConstraint(
                fields=("owner", "name"), name="one_suite_of_a_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="benchtrial",
            constraint=models.UniqueConstraint(
                fields=("run", "position"), name="one_trial_at_each_place_of_a_run"
            ),
        ),
        migrations.AddConstraint(
            model_name="benchtrial",
            constraint=models.UniqueConstraint(
                fields=("run", "route", "tool_mode", "case_id", "number"), name="one_trial_per_try"
            ),
        ),
        migrations.AddConstraint(
            model_name="benchtrial",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("passed__isnull", False), ("status__in", ("success", "failed"))),
                    models.Q(("passed__isnull", True), ("status__in", ("idle", "executing"))),
                    _connector="OR",
                ),
                name="ended_trials_have_a_verdict",
            ),
        ),
    ]
