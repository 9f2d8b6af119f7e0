"""Static files: hashed names for everything, imports between ES modules included."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """Hashes names, rewrites module imports to the hashed ones, keeps compressed copies."""

    support_js_module_import_aggregation = True
