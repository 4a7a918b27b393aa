"""What the dangerous cases share: the state that a restore from the bucket gives, whatever the volume has."""

import asyncio
import uuid

import obstore

from bot.durability.history import restore_state
from bot.sandbox.bucket import BucketSandbox
from bot.store.inspection import inspect_file
from tests.durability.conftest import Container


def off_site(container: Container) -> int:
    """How many rows a restore from the bucket has, which passes the full check; the volume is not looked at."""
    target = container.scratch / f"restored-{uuid.uuid4().hex}.db"
    asyncio.run(restore_state(container.settings(), None, target))
    report = inspect_file(target, full=True)
    assert report.problems == ()
    return report.rows["blacklist"]


async def objects(server: BucketSandbox, prefix: str) -> dict[str, str | None]:
    """The names below a prefix of the bucket, each with the tag of its content; the lease changes all the time."""
    listed = await obstore.list(server.store(), prefix).collect_async()
    return {item["path"]: item["e_tag"] for item in listed if not item["path"].endswith("/lease.json")}


async def read(server: BucketSandbox, path: str) -> bytes:
    """An object's content."""
    return bytes(await (await obstore.get_async(server.store(), path)).bytes_async())
