"""After a restart: the turns that the process before this one left unfinished are finished."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.errors import InvalidInputError, NotAllowedError, NotFoundError, TzurotError
from bot.model import Clock, Place, Turn, utc_now
from bot.rules.recovery import DELETED, TOO_OLD, adopted, is_answerable, is_too_old
from bot.services.dialogue import Dialogue, Task
from bot.services.policy import Policy
from bot.services.ports import History
from bot.store import messages, turns
from bot.store.statement import Store

log = logging.getLogger(__name__)

FINAL = (NotAllowedError, NotFoundError, InvalidInputError)
"""What would be the same at the next start; anything else leaves the turn as it is for then."""
UNWANTED = "Unwanted"


@dataclass(slots=True, kw_only=True, eq=False)
class Recovery:
    """Finishes each turn once, within its limit: nothing said twice, no answer asked for twice, nothing said late.

    Call `load` before the first message is heard, and run `run` beside the listening: every turn then stands in its
    channel's line before the new messages do.
    """

    dialogue: Dialogue
    store: Store
    history: History
    policy: Policy
    come_online: Callable[[], Awaitable[object]]
    clock: Clock = utc_now
    _left: list[Turn] = field(default_factory=list, init=False, repr=False)

    async def load(self) -> None:
        """Note which turns are unfinished, while all of them are an earlier process's."""
        self._left = await self.store.fetch(turns.find_unfinished())

    async def run(self) -> None:
        """Finish them, those of one channel in their order; what can't be finished now waits for the next start."""
        left, self._left = self._left, []
        outcomes = await asyncio.gather(*map(self._recover, left), return_exceptions=True)
        for error in outcomes:
            if error is not None:
                raise error

    async def _recover(self, turn: Turn) -> None:
        with self.dialogue.line(turn.channel_id) as is_first:
            await self.come_online()
            await is_first.wait()
            try:
                failure = await self._finish(turn)
            except FINAL as error:
                failure = type(error).__name__
            except TzurotError as error:
                log.warning("Message %d waits for its answer: %s", turn.message_id, error.message)
                return
            if failure:
                await self.store.write(turns.fail(turn.message_id, failure, self.clock()))
            log.info("Unfinished turn of message %d: %s", turn.message_id, failure or "done")

    async def _finish(self, turn: Turn) -> str | None:
        """Answer, or say why there will be no answer."""
        if is_too_old(turn.created_at, self.clock(), self.policy.recovery_limit):
            return TOO_OLD
        heard = await self.history.message(_place_of(turn), turn.message_id)
        if heard is None or not is_answerable(heard):
            return DELETED
        task = await self.dialogue.take_up(turn, heard)
        if task is None:
            return UNWANTED
        said = await self._said(turn, task) if turn.answer is not None else []
        await self.dialogue.finish(task, turn.answer, said)
        return None

    async def _said(self, turn: Turn, task: Task) -> list[int]:
        """The ids of the answer's first messages: those that were noted, and those found in the channel."""
        noted = await self.store.fetch(turns.find_chunks(turn.message_id))
        missing = task.cut(turn.answer or "")[len(noted) :]
        spoken = await self.history.spoken_since(task.heard.place, max([turn.message_id, *noted]))
        known = set(await self.store.fetch(messages.find_known([message.message_id for message in spoken])))
        return noted + adopted(missing, (message for message in spoken if message.message_id not in known))


def _place_of(turn: Turn) -> Place:
    return Place(turn.channel_id, turn.guild_id, turn.parent_id)
