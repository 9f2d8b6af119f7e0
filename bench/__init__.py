"""Long proofs and measurements, each a command: `python -m bench NAME`."""
