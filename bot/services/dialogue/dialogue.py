"""A message is heard, and a personality answers it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace

from bot.errors import ConflictError, NotAllowedError, TzurotError, UnavailableError
from bot.model import NOBODY, Clock, Heard, snowflake_time, utc_now
from bot.rules.dialogue.answering import EXPLICIT
from bot.rules.dialogue.recovery import DELETED, FINAL
from bot.rules.dialogue.splitting import is_visible
from bot.rules.wording import escaped
from bot.services.dialogue.asking import Asking
from bot.services.dialogue.authors import Authors
from bot.services.dialogue.decision import Decider
from bot.services.dialogue.delivery import Delivery, Task, new_turn
from bot.services.dialogue.lines import Lines
from bot.services.dialogue.watermark import Watermark
from bot.services.policy import Policy
from bot.services.ports import Thinker
from bot.store import turns
from bot.store.statement import Store


@dataclass(slots=True, kw_only=True, eq=False)
class Dialogue:
    """Has it decided who answers, asks the AI service, and says the answer, each step committed before the next."""

    store: Store
    decider: Decider
    authors: Authors
    thinker: Thinker
    delivery: Delivery
    watermark: Watermark
    asking: Asking = field(default_factory=Asking)
    clock: Clock = utc_now
    _lines: Lines = field(default_factory=Lines, init=False, repr=False)
    _running: "set[asyncio.Task[object]]" = field(default_factory=set, init=False, repr=False)
    _under_way: set[int] = field(default_factory=set, init=False, repr=False)
    _is_closing: bool = field(default=False, init=False)

    @property
    def policy(self) -> Policy:
        """What the operator decided."""
        return self.decider.policy

    async def hear(self, heard: Heard) -> None:
        """Answer the message if a personality should; returns when everything is said, or at once if none should.

        Call it for every message of a human that is no command. Turns of one channel are answered in the order of
        the calls, different channels in parallel. Raises a TzurotError whose sentence the author must be told
        (as a reply by the bot, without pinging anyone).
        """
        if self._is_closing or not heard.says_something:
            return
        telling_once = self.authors.proxies.telling_once(heard)
        with self.counted(), self.line(heard.place.channel_id) as is_first, telling_once:
            await self.answer(heard, is_first)

    async def hear_edit(self, heard: Heard) -> None:
        """The same for a message that its author has just changed, if it names a personality now.

        It stands in line where the change comes, behind the message itself, should that still be there; whatever has a
        turn has been answered as it was asked. Until its turn is committed the mark stays before it, so that a process
        that dies meanwhile leaves it to the next one.
        """
        asked_at = snowflake_time(heard.message_id)
        if self._is_closing or self.clock() - asked_at >= self.policy.edit_limit:
            return
        with self.counted(), self.line(heard.place.channel_id) as is_first:
            if self.is_under_way(heard.message_id):
                with self.watermark.deciding(heard.message_id):
                    await is_first.wait()
            await self.answer(replace(heard, is_edit=True), is_first)

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
                task = await self._decide(heard, is_first)
                if task is None or not await self._open(task):
                    return False
            await is_first.wait()
            if must_wait and self._is_closing:
                return False  # whoever stood in front may have been cut short, and the next process begins with them
            return await self._finish(task)
        finally:
            self._under_way.discard(heard.message_id)

    @property
    def is_closing(self) -> bool:
        """Whether the end has begun."""
        return self._is_closing

    def is_under_way(self, message_id: int) -> bool:
        """Whether this process is about to answer the message."""
        return message_id in self._under_way

    def waiting(self, channel_id: int) -> int:
        """How many messages of the channel are being answered, or wait for it."""
        return self._lines.count(channel_id)

    def forget(self, message_ids: Collection[int]) -> None:
        """These messages were deleted: whichever waits for the first word of its answer gets none."""
        self.delivery.deletions.note(message_ids)

    @property
    def busy_channels(self) -> list[int]:
        """The channels in which somebody waits for an answer at this moment."""
        return self._lines.channel_ids

    def line(self, channel_id: int) -> AbstractContextManager[asyncio.Event]:
        """Stand in the channel's line, behind all who do already; the event is set when it is one's turn."""
        return self._lines.join(channel_id)

    async def _finish(self, task: Task) -> bool:
        """Finish it; who has not called a personality need not hear each time that it may not speak."""
        try:
            return await self.finish(task)
        except NotAllowedError as error:
            if task.cause not in EXPLICIT and not self.decider.may_tell(task.heard, error):
                return False
            raise

    async def finish(self, task: Task, answer: str | None = None, said: Sequence[int] = ()) -> bool:
        """Ask the AI service, unless it has answered, and say what is missing after the first messages, `said`.

        False where the message was deleted before anything was said.
        """
        if not said and task.heard.message_id in self.delivery.deletions:
            await self.store.write(turns.fail(task.heard.message_id, DELETED, self.clock()))
            return False
        async with self.delivery.speaker.typing(task.heard.place):
            chunks = await self._think(task) if answer is None else task.cut(answer)
            async with self._failing(task, *FINAL):
                return await self.delivery.say(task, chunks, said)

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
    def counted(self) -> Iterator[None]:
        """Be among those for whom the end waits a while, before it cuts them short."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("whoever is counted runs in a task")
        self._running.add(task)
        try:
            yield
        finally:
            self._running.discard(task)

    async def _decide(self, heard: Heard, is_first: asyncio.Event) -> Task | None:
        """The turn that it gets; none where it is gone, as what a proxy bot replaces is a moment later."""
        asked = await self._from_its_author(heard, is_first) if heard.author_id == NOBODY else heard
        if asked is None or await self.authors.is_withdrawn(asked) or await self.authors.proxies.is_answered(asked):
            return None
        task = await self._decide_in_line(asked, is_first)
        if task is None:
            await self.decider.explain(asked)
        elif await self.authors.proxies.is_withdrawn(asked):
            return None
        return task

    async def _from_its_author(self, copy: Heard, is_first: asyncio.Event) -> Heard | None:
        """The copy as from the person behind it.

        Its original stands in front: whether that was answered is known when the copy is first, and so is who has
        spoken what it replies to.
        """
        if not await self.authors.is_addressed(copy):
            await is_first.wait()
            if not await self.authors.is_addressed(copy):
                return None
        found = await self.authors.find(copy)
        await is_first.wait()
        return found

    async def _decide_in_line(self, heard: Heard, is_first: asyncio.Event) -> Task | None:
        """Decide now, or once everyone in front has their answer, if that may make a difference."""
        task = await self.decider.decide(heard)
        if is_first.is_set() or not await self.decider.depends_on_who_is_in_front(heard, task):
            return task
        await is_first.wait()
        return await self.decider.decide(heard)

    @asynccontextmanager
    async def _failing(self, task: Task, *kinds: type[TzurotError]) -> AsyncIterator[None]:
        """Note that there will be no answer, where one of these kinds of error says so."""
        try:
            yield
        except kinds as error:
            await self.store.write(turns.fail(task.heard.message_id, type(error).__name__, self.clock()))
            raise

    async def _open(self, task: Task) -> bool:
        """Commit that the message wants an answer; False if it already has its turn."""
        try:
            await self.store.write(turns.add(new_turn(task, self.clock())))
        except ConflictError:
            return False
        return True

    async def ask(self, task: Task) -> str:
        """What the AI service answers; nothing is noted."""
        text = await self.thinker.answer(await self.asking.question(task))
        if not is_visible(text):
            raise UnavailableError(f"{escaped(task.personality.display_name)} had nothing to say.", remedy="Ask again.")
        return text

    async def _think(self, task: Task) -> tuple[str, ...]:
        """Ask the AI service and commit its answer; gives it as messages to send."""
        heard = task.heard
        async with self._failing(task, *FINAL):  # no answer is paid for that could not be said
            await self.delivery.speaker.prepare(heard.place)
        async with self._failing(task, TzurotError):
            text = await self.ask(task)
        chunks = task.cut(text)
        await self.store.write(turns.answer(heard.message_id, text, len(chunks), self.clock()))
        return chunks
