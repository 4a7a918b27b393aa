"""A million message mappings: seconds, rows a second, peak memory beyond the parser's.

Run by hand: python -m tests.store.legacy.million [ROWS]; prints one JSON object. CI imports a share of it.
"""

import asyncio
import base64
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any

import ijson
from pydantic import SecretStr

from bot.settings import Settings
from bot.store.legacy.importer import ImportOptions, import_into_new

MILLION = 1_000_000
FIRST_MESSAGE = 1_379_000_000_000_000_000
USERS, CHANNELS, PERSONALITIES = 5_000, 300, 200


def write_messages(folder: Path, rows: int) -> None:
    """A folder with that many mappings, in the layout of the original."""
    people = {
        f"person-{number}": {
            "fullName": f"person-{number}",
            "addedBy": "200000000000000001",
            "addedAt": "2025-05-20T09:00:01.331Z",
            "displayName": f"Person {number}",
        }
        for number in range(PERSONALITIES)
    }
    (folder / "personalities.json").write_text(json.dumps(people, indent=2))
    with (folder / "message_map.json").open("w") as file:
        for number in range(rows):
            message_id = FIRST_MESSAGE + (number << 24)
            record = {
                "userId": str(200_000_000_000_000_000 + number % USERS),
                "channelId": str(300_000_000_000_000_000 + number % CHANNELS),
                "personalityName": f"person-{number % PERSONALITIES}",
                "timestamp": (message_id >> 22) + 1_420_070_400_000 + number % 977,
                "isDM": False,
                "isMentionOnly": number % 7 == 0,
            }
            text = json.dumps({str(message_id): record}, indent=2)[2:-2]
            file.write(("{\n" if number == 0 else ",\n") + text)
        file.write("\n}")


def peak_mib() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def parse(folder: Path) -> dict[str, Any]:
    """What the parser alone takes."""
    started = time.perf_counter()
    with (folder / "message_map.json").open("rb") as file:
        deque(ijson.kvitems(file, "", use_float=True), maxlen=0)
    return {"seconds": round(time.perf_counter() - started, 2), "peak_mib": round(peak_mib(), 1)}


def bring_in(folder: Path) -> dict[str, Any]:
    """The whole import, into a new database."""
    database = folder / "new" / "tzurot.db"
    key = SecretStr(base64.b64encode(b"m" * 32).decode())
    settings = Settings(_env_file=None, database_path=database, encryption_keys=(key,))
    started = time.perf_counter()
    report = asyncio.run(import_into_new(folder, database, ImportOptions(settings)))
    seconds = time.perf_counter() - started
    count = report.tables["message_mappings"]
    return {
        "rows": count.imported,
        "seconds": round(seconds, 2),
        "rows_per_second": round(count.imported / seconds),
        "peak_mib": round(peak_mib(), 1),
        "database_mib": round(database.stat().st_size / 1024 / 1024, 1),
    }


def main(arguments: list[str]) -> None:
    """Measure each in a process of its own, so that one's memory is not the other's."""
    if arguments[:1] in (["parse"], ["import"]):
        measure = parse if arguments[0] == "parse" else bring_in
        sys.stdout.write(json.dumps(measure(Path(arguments[1]))))
        return
    rows = int(arguments[0]) if arguments else MILLION
    with tempfile.TemporaryDirectory() as folder:
        write_messages(Path(folder), rows)
        results = {
            step: json.loads(subprocess.check_output([sys.executable, __file__, step, folder]))
            for step in ("parse", "import")
        }
    results["beyond_parser_mib"] = round(results["import"]["peak_mib"] - results["parse"]["peak_mib"], 1)
    sys.stdout.write(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
