"""A switch-over under load, there and back, on the real processes: `python -m tests.e2e.switch_over`."""
