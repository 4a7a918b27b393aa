"""A share of the million: every mapping arrives, in bounded memory."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("million.py")
ROWS = 50_000


def test_fifty_thousand_mappings_arrive_in_bounded_memory() -> None:
    result = subprocess.run([sys.executable, SCRIPT, str(ROWS)], capture_output=True, check=True, timeout=50)
    measured = json.loads(result.stdout)
    assert measured["import"]["rows"] == ROWS
    assert measured["import"]["rows_per_second"] > 1_000_000 / 120
    assert measured["beyond_parser_mib"] < 150
