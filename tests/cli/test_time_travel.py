"""The README's recipe with the real Litestream: look at the past, see what differs, take one thing back."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from bot.durability.bucket import Bucket
from bot.durability.lineage import Current
from bot.durability.lock import VolumeLock
from bot.sandbox.bucket import BucketSandbox
from bot.settings import load_settings
from bot.store import personalities
from tests.cli.conftest import Run
from tests.cli.test_restore import lower, moment_after, replicating
from tests.cli.test_undo import ADA, NOW, USER, change

PREFIX = "tzurot/travel"


def test_a_removal_is_seen_in_the_past_and_taken_back_beside_the_running_bot(
    tzurot: Run, bucket: BucketSandbox, database: Path, tmp_path: Path
) -> None:
    environment = bucket.environment(PREFIX)
    settings = load_settings(lower(environment) | {"database_path": str(database)})
    then, now = tmp_path / "then.db", tmp_path / "now.db"
    current = Current(install_id="i", epoch=1, prefix=f"{PREFIX}/e000001", claim="c", started_at=NOW, history=())
    asyncio.run(Bucket(settings).write_current(current, None))
    with VolumeLock.take(database.parent, 1), replicating(settings, f"{PREFIX}/e000001") as litestream:
        before = moment_after(litestream)
        change(database, personalities.remove(ADA.full_name, USER, datetime.now(UTC), USER))
        moment_after(litestream)
        assert (
            tzurot("restore", "--at", before.isoformat(), "--to", then, "--database", database, **environment).code == 0
        )
        differing = tzurot("diff", then, "--json", "--database", database)
        assert tzurot("undo", "personality", "ada-lovelace", "--yes", "--database", database, **environment).code == 0
        moment_after(litestream)
        assert tzurot("restore", "--to", now, "--database", database, **environment).code == 0
    assert differing.code == 1
    tables = differing.json["tables"]
    assert {name for name in tables if tables[name]["only_there"] or tables[name]["changed"]} == {
        "personalities",
        "personality_aliases",
    }
    assert tables["personalities"]["examples"]["changed"][0]["columns"] == ["updated_at", "is_active"]
    assert tzurot("diff", now, "--database", database).code == 0
    for table in ("personalities", "personality_aliases"):
        assert tzurot("diff", then, "--table", table, "--database", database).code == 0
