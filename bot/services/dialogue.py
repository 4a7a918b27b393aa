"""A message is heard, and a personality answers it."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from bot.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, TzurotError, UnavailableError
from bot.model import Cause, Clock, Heard, Personality, Question, Turn, TurnState, utc_now
from bot.rules.answering import who_answers
from bot.rules.mentions import candidates, longest
from bot.rules.permissions import require_conversation_place, require_login, require_saving
from bot.rules.recovery import DELETED
from bot.rules.splitting import is_visible
from bot.services.delivery import Delivery, Task, new_turn
from bot.services.lines import Lines
from bot.services.policy import Policy
from bot.services.ports import Replication, Thinker
from bot.services.watermark import Watermark
from bot.store import personalities, situation, turns
from bot.store.cipher import Cipher
from bot.store.situation import SealedLogin, Situation
from bot.store.statement import Store

REMEMBERED_REFUSALS = 1000
FINAL = (NotAllowedError, NotFoundError, InvalidInputError)
"""What would be the same at the next try; anything else leaves the turn as it is for then."""


@dataclass(slots=True, kw_only=True, eq=False)
class Dialogue:
    """Decides who answers a message, asks the AI service, and says the answer, each step committed before the next."""

    store: Store
    cipher: Cipher
    thinker: Thinker
    delivery: Delivery
    watermark: Watermark
    policy: Policy
    replication: Replication | None = None
    clock: Clock = utc_now
    _lines: Lines = field(default_factory=Lines, init=False, repr=False)
    _running: "set[asyncio.Task[object]]" = field(default_factory=set, init=False, repr=False)
    _refused: dict[tuple[int, int], datetime] = field(default_factory=dict, init=False, repr=False)
    _under_way: set[int] = field(default_factory=set, init=False, repr=False)
    _is_closing: bool = field(default=False, init=False)

    async def hear(self, heard: Heard) -> None:
        """Answer the message if a personality should; returns when everything is said, or at once if none should.

        Call it for every message of a human that is no command. Turns of one channel are answered in the order of
        the calls, different channels in parallel. Raises a TzurotError whose sentence the author must be told
        (as a reply by the bot, without pinging anyone).
        """
        if self._is_closing or not heard.content.strip():
            return
        with self._counted(), self.line(heard.place.channel_id) as is_first:
            await self.answer(heard, is_first)

    async def answer(self, heard: Heard, is_first: asyncio.Event) -> bool:
        """The same for whoever stands in the channel's line already; whether it was answered now.

        Two at once with the same message, one from the gateway and one from the channel's history, are one.
        """
        if heard.message_id in self._under_way:
            return False
        self._under_way.add(heard.message_id)
        must_wait = not is_first.is_set()
        try:
            with self.watermark.deciding(heard.message_id):
                task = await self._decide(heard) or await self._decide_later(heard, is_first)
                if task is None or not await self._open(task):
                    return False
            await is_first.wait()
            if must_wait and self._is_closing:
                return False  # whoever stood in front may have been cut short, and the next process begins with them
            return await self.finish(task)
        finally:
            self._under_way.discard(heard.message_id)

    def is_under_way(self, message_id: int) -> bool:
        """Whether this process is about to answer the message."""
        return message_id in self._under_way

    def forget(self, message_ids: Collection[int]) -> None:
        """These messages were deleted: whichever waits for the first word of its answer gets none."""
        self.delivery.deletions.note(message_ids)

    def line(self, channel_id: int) -> AbstractContextManager[asyncio.Event]:
        """Stand in the channel's line, behind all who do already; the event is set when it is one's turn."""
        return self._lines.join(channel_id)

    async def take_up(self, turn: Turn, heard: Heard) -> Task | None:
        """What an earlier process began, under today's rules: raises the refusal, None where nobody answers any more.

        Who has the answer already needs no login for the rest of it.
        """
        (known,) = await self.store.look_up(situation.find(heard))
        personality = await self.store.first(personalities.get_by_id(turn.personality_id))
        if known.is_blacklisted or personality is None or not personality.is_active:
            return None
        login = self._login_of(known, personality)
        self._require_place(heard, known)
        if turn.state is TurnState.PENDING:
            self._require_login(login)
        return self._task(heard, personality, turn.cause, login)

    async def finish(self, task: Task, answer: str | None = None, said: Sequence[int] = ()) -> bool:
        """Ask the AI service, unless it has answered, and say what is missing after the first messages, `said`.

        False where the message was deleted before anything was said.
        """
        if not said and task.heard.message_id in self.delivery.deletions:
            await self.store.write(turns.fail(task.heard.message_id, DELETED, self.clock()))
            return False
        async with self.delivery.speaker.typing(task.heard.place):
            chunks = await self._think(task) if answer is None else task.cut(answer)
            try:
                return await self.delivery.say(task, chunks, said)
            except FINAL as error:
                await self.store.write(turns.fail(task.heard.message_id, type(error).__name__, self.clock()))
                raise

    def stop_hearing(self) -> None:
        """Hear nothing new, and leave whoever waits in line to the next process."""
        self._is_closing = True

    async def close(self, timeout_seconds: float) -> None:
        """Stop hearing, wait that long for running turns, then cancel them: their rows say how far they got."""
        self.stop_hearing()
        running = self._running - {asyncio.current_task()}
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=timeout_seconds)
        for turn in late:
            turn.cancel()
        if late:
            await asyncio.wait(late, timeout=timeout_seconds)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("hear() runs in a task")
        self._running.add(task)
        try:
            yield
        finally:
            self._running.discard(task)

    async def addressee(self, heard: Heard) -> Task | None:
        """The turn that the message asks for, whether or not its author may have it; None where it asks for none."""
        _, answering = await self._look_up(heard)
        return Task(heard=heard, personality=answering[0], cause=answering[1]) if answering else None

    async def _look_up(self, heard: Heard) -> tuple[Situation, tuple[Personality, Cause] | None]:
        names = candidates(heard.content, self.policy.mention_char)
        (known,) = await self.store.look_up(situation.find(heard, names))
        if known.is_blacklisted:
            return known, None
        by_name = known.replied_to_by_name[0] if known.replied_to_by_name else None
        return known, who_answers(known.replied_to or by_name, longest(names, known.mentioned), known.activated)

    async def _decide(self, heard: Heard) -> Task | None:
        known, answering = await self._look_up(heard)
        if answering is None:
            return None
        personality, cause = answering
        login = self._login_of(known, personality)
        if not self._admits(heard, known, login, cause):
            return None
        return self._task(heard, personality, cause, login)

    def _login_of(self, known: Situation, personality: Personality) -> SealedLogin | None:
        return known.login_for(personality.full_name) if self.policy.has_login_service else None

    def _task(self, heard: Heard, personality: Personality, cause: Cause, login: SealedLogin | None) -> Task:
        token = login.open(self.cipher) if login else None
        return Task(heard=heard, personality=personality, cause=cause, login=login, token=token)

    async def _decide_later(self, heard: Heard, is_first: asyncio.Event) -> Task | None:
        """Decide again on a reply: the message it replies to may have been seen before its id was committed."""
        if heard.replied_to_id is None or is_first.is_set():
            return None
        await is_first.wait()
        return await self._decide(heard)

    def _admits(self, heard: Heard, known: Situation, login: SealedLogin | None, cause: Cause) -> bool:
        """Raise the refusal; False where its author was told a moment ago and each message would be refused."""
        is_read_only = self.replication is not None and self.replication.state.is_read_only
        try:
            require_saving(is_read_only=is_read_only)
            self._require_place(heard, known)
            self._require_login(login)
        except TzurotError:
            if (is_read_only or cause is Cause.ACTIVATION) and not self._may_tell(heard):
                return False
            raise
        return True

    def _require_place(self, heard: Heard, known: Situation) -> None:
        require_conversation_place(heard.place, is_verified=known.is_verified, how=self.policy.command("verify"))

    def _require_login(self, login: SealedLogin | None) -> None:
        if not self.policy.has_login_service:
            return
        require_login(
            is_present=login is not None,
            expires_at=login.expires_at if login else None,
            now=self.clock(),
            how=self.policy.command("auth start"),
        )

    def _may_tell(self, heard: Heard) -> bool:
        """Whether the author was not told in this channel lately; each message there would get the same sentence."""
        now, key = self.clock(), (heard.place.channel_id, heard.author_id)
        told_at = self._refused.pop(key, None)
        if told_at is not None and now - told_at < self.policy.refusal_interval:
            self._refused[key] = told_at
            return False
        self._refused[key] = now
        if len(self._refused) > REMEMBERED_REFUSALS:
            del self._refused[next(iter(self._refused))]
        return True

    async def _open(self, task: Task) -> bool:
        """Commit that the message wants an answer; False if it already has its turn."""
        try:
            await self.store.write(turns.add(new_turn(task, self.clock())))
        except ConflictError:
            return False
        return True

    async def _think(self, task: Task) -> tuple[str, ...]:
        """Ask the AI service and commit its answer; gives it as messages to send."""
        heard = task.heard
        question = Question(task.personality, heard.content, heard.author_id, heard.place.channel_id, task.token)
        try:
            text = await self.thinker.answer(question)
            chunks = task.cut(text)
            if not is_visible(text):
                raise UnavailableError(f"{task.personality.display_name} had nothing to say.", remedy="Ask again.")
        except TzurotError as error:
            await self.store.write(turns.fail(heard.message_id, type(error).__name__, self.clock()))
            raise
        await self.store.write(turns.answer(heard.message_id, text, len(chunks), self.clock()))
        return chunks
