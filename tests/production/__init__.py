"""docs/production.md as something that runs: its blocks, its units and its proxies' lines."""
