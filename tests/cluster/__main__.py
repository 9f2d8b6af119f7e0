"""`python -m tests.cluster`: a cluster for development."""

from __future__ import annotations

from tests.cluster.development import main

raise SystemExit(main())
