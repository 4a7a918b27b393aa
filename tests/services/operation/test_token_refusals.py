"""A token that Discord refused is not tried again at once, also by the next process."""

from datetime import timedelta

import pytest

from bot.errors import ConfigurationError, StorageError
from bot.model import Secret
from bot.services.operation.token_refusals import TokenRefusals
from bot.store.driver import SQLiteStore
from bot.store.statement import Outcome, Statement
from tests.services.conftest import Clock, rows

TOKEN = Secret("invented-bot-token")


@pytest.fixture
def refusals(store: SQLiteStore, clock: Clock) -> TokenRefusals:
    return TokenRefusals(store=store, interval=timedelta(minutes=10), clock=clock)


async def test_the_same_token_waits_and_another_one_does_not(refusals: TokenRefusals, clock: Clock) -> None:
    await refusals.require_none(TOKEN)
    await refusals.note(TOKEN, "Discord does not accept it.")
    with pytest.raises(ConfigurationError, match="does not accept") as refused:
        await refusals.require_none(TOKEN)
    assert "from 12:10:00 UTC on" in str(refused.value)
    await refusals.require_none(Secret("another-bot-token"))
    clock.advance(minutes=10)
    await refusals.require_none(TOKEN)
    assert TOKEN.reveal() not in str(await rows(refusals.store, "SELECT * FROM gateway_refusals"))


async def test_what_can_not_be_noted_does_not_hide_the_refusal(
    refusals: TokenRefusals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: Statement) -> list[Outcome]:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(refusals.store, "write", refuse)
    await refusals.note(TOKEN, "Discord does not accept it.")
    assert "The disk is full." in caplog.text
