"""API keys, and with which of them a stage was started."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import chat.models.keys


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0003_route_doctor"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="What it is for, so that it can be told.", max_length=80
                    ),
                ),
                ("prefix", models.CharField(editable=False, max_length=16, unique=True)),
                ("digest", models.CharField(editable=False, max_length=64)),
                ("scopes", models.JSONField(validators=[chat.models.keys.validate_scopes])),
                (
                    "all_routes",
                    models.BooleanField(
                        default=True,
                        help_text="Every route that its owner may use, those added later too.",
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_used_at", models.DateTimeField(help_text="To the minute.", null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        help_text="None: a command.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "routes",
                    models.ManyToManyField(
                        blank=True, related_name="api_keys", to="chat.modelroute"
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "ordering": (
                    models.OrderBy(models.F("revoked_at"), nulls_first=True),
                    "-created_at",
                    "-pk",
                ),
                "indexes": [models.Index(fields=["owner", "-created_at"], name="keys_of_a_person")],
            },
        ),
        migrations.AddField(
            model_name="stage",
            name="api_key",
            field=models.ForeignKey(
                blank=True,
                help_text="With which it was started; none: in the browser, or by a command.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="stages",
                to="chat.apikey",
            ),
        ),
    ]
