"""Measures the store beside its alternatives, in one run: `python -m tests.bench [--json] [--quick]`."""
