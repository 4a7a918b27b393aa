"""Jobs beside the bot: one that fails begins again, and none outlives the stop."""

import asyncio

import pytest

from bot.errors import StorageError
from bot.services.operation.background import Background


@pytest.fixture
def background() -> Background:
    return Background(delay_seconds=0.001, delay_limit_seconds=0.002)


async def test_a_job_that_fails_begins_again_and_the_log_holds_no_text_of_what_nobody_expected(
    background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[Exception] = [StorageError("The disk is full."), ValueError("a secret")]
    done = asyncio.Event()

    async def job() -> None:
        if failures:
            raise failures.pop(0)
        done.set()

    background.start("trying", job)
    await asyncio.wait_for(done.wait(), 5)
    assert "Failed at trying, next try in 0 s: The disk is full." in caplog.text
    assert "ValueError" in caplog.text
    assert "a secret" not in caplog.text
    await background.close()


async def test_none_outlives_the_stop(background: Background) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def job() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    background.start("waiting", job)
    await began.wait()
    await background.close()
    assert ended.is_set()
