"""An answer that was said is made to say something else where it stands, or is taken away, whatever dies meanwhile."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.errors import UnavailableError, UncertainError
from bot.model import Heard, Personality, Place, Rewrite, Turn, snowflake_of
from bot.rules.dialogue.recovery import DELETED, FINAL
from bot.services.dialogue.delivery import Delivery, Task, spoken_by
from bot.store import personalities, rewrites, turns
from bot.store.statement import Statement, Store

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """Changes the messages of answers.

    What shall stand there is committed first, and confirmed in the bucket. From then on everything
    follows from that row and from the messages that the turn has: the texts go into the messages in order, messages too
    many are deleted, texts too many are sent as new messages at the channel's end, each noted before the next. Done
    again from its beginning it comes to the same, which is what the next process does with what this one leaves.
    """

    delivery: Delivery

    @property
    def store(self) -> Store:
        """The state, which is the delivery's."""
        return self.delivery.store

    async def decide(self, turn_id: int, answer: str, records: Sequence[Statement] = ()) -> bool:
        """Commit what the answer shall be from now on; False where it was taken away meanwhile."""
        if turn_id in self.delivery.withdrawals:
            return False
        await self.commit(rewrites.add(turn_id, answer, self.delivery.clock()), *records)
        return True

    async def remove(self, turn_id: int, records: Sequence[Statement] = ()) -> None:
        """Take the whole answer away, also while it is being said; `records` are committed with the decision."""
        is_new = turn_id not in self.delivery.withdrawals
        self.delivery.withdrawals.note(turn_id)
        await self.commit(rewrites.remove_answer(turn_id, self.delivery.clock()), *(records if is_new else ()))
        await self.carry_out(turn_id)

    async def commit(self, *statements: Statement) -> None:
        """Commit what is about to be seen, and have it confirmed in the bucket, as long as is waited for an answer."""
        await self.store.write(*statements)
        await self.delivery.confirmer.confirm(self.delivery.policy.turn_confirmation_timeout.total_seconds())

    async def carry_out(self, turn_id: int, *, is_left_over: bool = False) -> None:
        """Do what was decided about the answer, if it is not done yet; with what is left over, look before sending."""
        async with self.delivery.withdrawals.lock_of(turn_id):
            rewrite, task = await self.store.first(rewrites.get(turn_id)), await self._task_of(turn_id)
            if rewrite is None or task is None:
                return
            try:
                if rewrite.is_removal:
                    await self._remove(rewrite, task)
                else:
                    await self._put_in_place(rewrite, task, is_left_over=is_left_over)
            except FINAL:
                await self.end(rewrite)
                if rewrite.is_removal:
                    self.delivery.withdrawals.take_back(turn_id)
                raise
            await self.end(rewrite)

    async def end(self, rewrite: Rewrite) -> None:
        """Nothing more is to be done about it: the text is removed."""
        turn_id = rewrite.turn_id
        if not rewrite.is_removal and turn_id in self.delivery.withdrawals:
            return  # the row is now that of a removal, which waits for the lock
        ending = [turns.fail(turn_id, DELETED, self.delivery.clock())] if rewrite.is_removal else []
        await self.store.write(rewrites.delete(turn_id), *ending)

    async def take_away(self, place: Place, message_id: int) -> None:
        """Delete one message of which no turn is known any more."""
        await self._insist(lambda: self.delivery.speaker.delete(place, message_id))

    async def _put_in_place(self, rewrite: Rewrite, task: Task, *, is_left_over: bool) -> None:
        turn_id, left = rewrite.turn_id, deque(task.cut(rewrite.answer))
        for message_id in await self._said(turn_id):
            if turn_id in self.delivery.withdrawals:
                return
            if left and await self._edit(task, message_id, left[0]):
                left.popleft()
            else:
                await self._drop(task, message_id)
        last = self._begun_at(rewrite)
        for text in left:
            if turn_id in self.delivery.withdrawals:
                return
            last = await self.delivery.send(task, text, last, is_in_doubt=is_left_over)
            await self.store.write(turns.append_chunk(turn_id, last), spoken_by(task, last))

    def _begun_at(self, rewrite: Rewrite) -> int:
        """An id before those of all messages that were sent for it; Discord's clock may be behind ours."""
        return snowflake_of(rewrite.created_at - self.delivery.policy.catch_up_overlap)

    async def _remove(self, rewrite: Rewrite, task: Task) -> None:
        unnoted = await self._find_unnoted(rewrite, task)
        for message_id in [*await self._said(rewrite.turn_id), *unnoted]:
            await self._drop(task, message_id)

    async def _find_unnoted(self, rewrite: Rewrite, task: Task) -> Sequence[int]:
        """Messages of an incomplete answer of which nobody noted that they were sent."""
        turn = await self.store.first(turns.get(rewrite.turn_id))
        answer = rewrite.answer or (turn.answer if turn else None)
        if not answer:
            return []
        since = self._begun_at(rewrite) if rewrite.answer else rewrite.turn_id
        spoken = await self.delivery.history.spoken_since(task.heard.place, since)
        known = await self.delivery.find_said([message.message_id for message in spoken])
        texts = [text.split() for text in task.cut(answer)]
        return [m.message_id for m in spoken if m.message_id not in known and m.text.split() in texts]

    async def _task_of(self, turn_id: int) -> Task | None:
        turn = await self.store.first(turns.get(turn_id))
        if turn is None:
            return None
        personality = await self.store.first(personalities.get_by_id(turn.personality_id))
        return outline(turn, personality) if personality else None

    async def _said(self, turn_id: int) -> list[int]:
        return await self.store.fetch(turns.find_chunks(turn_id))

    async def _edit(self, task: Task, message_id: int, text: str) -> bool:
        speaker, place = self.delivery.speaker, task.heard.place
        return await self._insist(lambda: speaker.edit(place, task.voice, message_id, text))

    async def _drop(self, task: Task, message_id: int) -> None:
        await self.take_away(task.heard.place, message_id)
        await self.store.write(turns.drop_chunk(task.heard.message_id, message_id))

    async def _insist(self, request: Callable[[], Awaitable[T]]) -> T:
        """Again while Discord fails: twice is as good as once."""
        for delay in self.delivery.delays():
            try:
                return await request()
            except UnavailableError as error:
                if delay is None or not isinstance(error, UncertainError):
                    raise
            await self.delivery.pause(delay)
        raise AssertionError("the last delay is None")


def outline(turn: Turn, personality: Personality) -> Task:
    """The turn as far as its messages need it, without the question's words."""
    place = Place(turn.channel_id, turn.guild_id, turn.parent_id)
    return Task(heard=Heard(turn.message_id, turn.user_id, place, ""), personality=personality, cause=turn.cause)
