"""What was thought is said: each message of an answer once, its id committed before the next is sent."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.errors import UnavailableError, UncertainError
from bot.model import (
    Cause,
    Clock,
    Conversation,
    Heard,
    Mapping,
    Personality,
    Secret,
    Turn,
    TurnState,
    Voice,
    snowflake_time,
    utc_now,
)
from bot.rules.dialogue.recovery import DELETED, adopted
from bot.rules.dialogue.speech import message_limit, spoken_name
from bot.rules.dialogue.splitting import split
from bot.services.dialogue.deletions import Deletions
from bot.services.dialogue.withdrawals import Withdrawals
from bot.services.policy import Policy
from bot.services.ports import Confirmer, History, Speaker
from bot.store import conversations, logins, messages, turns
from bot.store.situation import SealedLogin
from bot.store.statement import Statement, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a turn needs to know from its first step to its last."""

    heard: Heard
    personality: Personality
    cause: Cause
    login: SealedLogin | None = None
    token: Secret | None = None

    @property
    def voice(self) -> Voice:
        """How its answer appears."""
        return Voice(spoken_name(self.personality), self.personality.avatar_url)

    def cut(self, answer: str) -> tuple[str, ...]:
        """The answer as messages to send."""
        return split(answer, message_limit(is_dm=self.heard.place.is_dm))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Says answers, and notes what was said.

    Before the first message of an answer is sent, its text is confirmed in the bucket, so that a volume that dies now
    costs no second AI call and no second answer. An outage of the bucket costs at most the policy's limit for each
    answer; meanwhile "never twice" rests on finding in the channel what was said.
    """

    store: Store
    speaker: Speaker
    history: History
    confirmer: Confirmer
    policy: Policy
    deletions: Deletions = field(default_factory=Deletions)
    withdrawals: Withdrawals = field(default_factory=Withdrawals)
    clock: Clock = utc_now
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def say(self, task: Task, chunks: Sequence[str], said: Sequence[int] = ()) -> bool:
        """Send what is missing after the first messages, `said`; False where nobody wants it any more.

        That is where the question was deleted before the first message, or the answer is taken away after it. Of what
        was said already only the ids are committed, which may be known.
        """
        if not said and not await self._may_begin(task):
            return False
        turn_id = task.heard.message_id
        async with self.withdrawals.lock_of(turn_id):
            last = turn_id
            for position, chunk in enumerate(chunks):
                if turn_id in self.withdrawals:
                    return False  # who takes it away waits for the lock, and ends the turn
                last = said[position] if position < len(said) else await self.send(task, chunk, last)
                said_at = snowflake_time(last) if position < len(said) else self.clock()
                ending = self._ending(task, said_at) if position == len(chunks) - 1 else []
                await self.store.write(turns.add_chunk(turn_id, position, last), spoken_by(task, last), *ending)
        return True

    async def adopt(self, task: Task, said: Sequence[int]) -> None:
        """Note an answer as complete that was said before, and of which the rows were lost."""
        turn_id = task.heard.message_id
        noted = [
            statement
            for position, sent_id in enumerate(said)
            for statement in (turns.add_chunk(turn_id, position, sent_id), spoken_by(task, sent_id))
        ]
        ending = self._ending(task, snowflake_time(said[-1]))
        await self.store.write(turns.add_if_absent(new_turn(task, self.clock())), *noted, *ending)

    async def find_said(self, message_ids: Sequence[int]) -> set[int]:
        """Those of the messages that are known to be somebody's answer.

        A mapping alone says only who spoke: where the original served in between, it says nothing else of an answer.
        """
        return set(await self.store.fetch(turns.find_said(message_ids))) if message_ids else set()

    async def _may_begin(self, task: Task) -> bool:
        await self.confirmer.confirm(self.policy.turn_confirmation_timeout.total_seconds())
        message_id = task.heard.message_id
        if message_id not in self.deletions:
            return True
        await self.store.write(turns.fail(message_id, DELETED, self.clock()))
        return False

    async def send(self, task: Task, chunk: str, after_message_id: int, *, is_in_doubt: bool = False) -> int:
        """Send one message; where Discord leaves open whether it took it, look before sending it again."""
        for delay in self.delays():
            try:
                found = await self._find(task, chunk, after_message_id) if is_in_doubt else None
                return found or await self.speaker.say(task.heard.place, task.voice, chunk, after_message_id)
            except UnavailableError as error:
                is_in_doubt = is_in_doubt or isinstance(error, UncertainError)
                if delay is None or not is_in_doubt:
                    raise
            await self.pause(delay)
        raise AssertionError("the last delay is None")

    def delays(self) -> Iterator[float | None]:
        """The pauses between the attempts, and None after the last one."""
        first = self.policy.send_retry.total_seconds()
        yield from (first * 2**number for number in range(self.policy.send_attempts - 1))
        yield None

    async def _find(self, task: Task, chunk: str, after_message_id: int) -> int | None:
        spoken = await self.history.spoken_since(task.heard.place, after_message_id)
        known = await self.find_said([message.message_id for message in spoken])
        return next(iter(adopted([chunk], (m for m in spoken if m.message_id not in known))), None)

    def _ending(self, task: Task, said_at: datetime) -> list[Statement]:
        now, heard = self.clock(), task.heard
        asked_at = snowflake_time(heard.message_id)
        running_since = asked_at - self.policy.lifetime_of_conversation(is_dm=heard.place.is_dm)
        conversation = Conversation(
            channel_id=heard.place.channel_id,
            user_id=heard.author_id,
            personality_name=task.personality.full_name,
            started_at=asked_at,
            last_message_at=said_at,
            message_count=1,
            is_dm=heard.place.is_dm,
            is_mention_only=_is_mention_only(task),
        )
        noted = conversations.go_on(conversation, heard.message_id, running_since)
        ending = [turns.finish(heard.message_id, now), noted]
        if task.login is not None:
            ending.append(logins.touch(task.login.user_id, task.login.personality_name, now))
        return ending


def new_turn(task: Task, now: datetime) -> Turn:
    """The turn as it begins."""
    heard = task.heard
    return Turn(
        message_id=heard.message_id,
        channel_id=heard.place.channel_id,
        user_id=heard.author_id,
        personality_id=task.personality.id,
        cause=task.cause,
        state=TurnState.PENDING,
        created_at=now,
        updated_at=now,
        guild_id=heard.place.guild_id,
        parent_id=heard.place.parent_id,
    )


def spoken_by(task: Task, sent_id: int) -> Statement:
    """Note who spoke a message, and to whom."""
    heard = task.heard
    mapping = Mapping(
        message_id=sent_id,
        user_id=heard.author_id,
        channel_id=heard.place.channel_id,
        personality_id=task.personality.id,
        is_dm=heard.place.is_dm,
        is_mention_only=_is_mention_only(task),
    )
    return messages.put(mapping)


def _is_mention_only(task: Task) -> bool:
    return task.cause is Cause.MENTION and not task.heard.place.is_dm
