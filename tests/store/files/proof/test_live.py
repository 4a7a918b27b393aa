"""Beside a bot in dual mode that never rests, a comparison tells what is under way from what differs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from bot.errors import StorageError
from bot.sandbox.sample import write_sample_folder
from bot.store.cipher import cipher_from
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.modes.backend import Backend, open_backend
from bot.store.files.proof.comparison import compare
from bot.store.files.proof.findings import Proof
from bot.store.files.proof.options import ProofOptions
from bot.store.statement import Statement
from tests.store.legacy.conftest import Legacy

FIRST_MESSAGE = 1_500_000_000_000_000_000
CHANNEL = 300_000_000_000_000_999
SPEAK = """
INSERT INTO message_mappings (message_id, user_id, channel_id, personality_id)
SELECT :message_id, 200000000000000001, :channel_id, min(id) FROM personalities
"""
ON = """
INSERT INTO channel_activations (channel_id, personality_name, activated_by, activated_at)
SELECT :channel_id, min(full_name), 5, '2026-01-01T00:00:00.000Z' FROM personalities
"""
OFF = "DELETE FROM channel_activations WHERE channel_id = :channel_id"


@pytest.fixture
def busy(make_legacy: Any) -> Legacy:
    legacy: Legacy = make_legacy("busy")
    write_sample_folder(legacy.path)
    legacy.bring_in()
    files = legacy.database.parent / "files"
    legacy.settings = legacy.settings.model_copy(
        update={"storage_mode": "dual", "json_dir": files, "json_interval_seconds": 0.02, "json_retry_seconds": 0.02}
    )
    return legacy


@asynccontextmanager
async def talking(legacy: Legacy) -> AsyncIterator[Backend]:
    """The bot's store, its files following, and people who write without a pause: new rows, and one to and fro."""
    backend = await open_backend(legacy.settings, cipher_from(legacy.settings))
    assert backend.behind is not None
    tasks = [asyncio.create_task(backend.behind.run()), asyncio.create_task(_talk(backend))]
    try:
        while not JsonFolder(legacy.settings.json_folder).has_data():  # noqa: ASYNC110 - nobody tells of the first round
            await asyncio.sleep(0.01)
        yield backend
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await backend.close()


async def _talk(backend: Backend) -> None:
    for number in count():
        ids = {"message_id": FIRST_MESSAGE + number, "channel_id": CHANNEL}
        spoken = Statement(SPEAK, ids)
        await backend.store.write(spoken, Statement(OFF if number % 2 else ON, {"channel_id": CHANNEL}))
        await asyncio.sleep(0.002)


async def verify(legacy: Legacy) -> Proof:
    options = ProofOptions(legacy.settings, lambda _stage, _done: None, is_served=True)
    return await asyncio.to_thread(compare, legacy.settings.json_folder, options)


async def test_files_that_follow_are_equal_at_any_moment(busy: Legacy) -> None:
    async with talking(busy):
        for _ in range(3):
            proof = await verify(busy)
            assert proof.is_equal, proof.as_dict()
            assert proof.tables["message_mappings"].folder > 500


async def test_a_record_that_the_files_never_got_is_found_at_any_moment(busy: Legacy) -> None:
    async with talking(busy):
        await verify(busy)
        busy.execute(
            "INSERT INTO blacklist (user_id, blacklisted_at) VALUES (200000000000000777, '1970-01-01T00:00:00.000Z')"
        )
        proof = await verify(busy)
    assert [(one.table, one.key) for one in proof.differences if not one.table.startswith(".")] == [
        ("blacklist", "200000000000000777")
    ]


async def test_files_that_can_not_be_written_are_behind(busy: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    async with talking(busy) as backend:

        def fail(*_: Any) -> None:
            raise StorageError("The disk is full.")

        with monkeypatch.context() as patch:
            patch.setattr(JsonFolder, "commit", fail)
            await backend.store.write(Statement(SPEAK, {"message_id": FIRST_MESSAGE - 1, "channel_id": CHANNEL}))
            busy.settings = busy.settings.model_copy(update={"json_flush_timeout_seconds": 0.05})
            proof = await verify(busy)
        assert proof.behind > 0
        assert not proof.is_equal
