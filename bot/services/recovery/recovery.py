"""After a start and after each gap in the gateway: what was left unfinished or was missed gets its answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field

from bot.errors import trace
from bot.model import Recovered, Turn, snowflake_of, snowflake_time
from bot.services.dialogue.dialogue import Dialogue
from bot.services.dialogue.watermark import Watermark
from bot.services.recovery.channel_recovery import ChannelRecovery
from bot.services.recovery.errands import Errand, Tally
from bot.store import marks, rewrites, turns

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Gap:
    """A time in which nobody listened: the last message before it, and the lines in which we stand for what it left.

    `hold` keeps the mark at its beginning until it has been gone through.
    """

    mark: int | None
    errands: dict[int, Errand] = field(default_factory=dict)
    places: ExitStack = field(default_factory=ExitStack)
    hold: ExitStack = field(default_factory=ExitStack)


@dataclass(slots=True, kw_only=True, eq=False)
class Recovery:
    """Answers once what was not answered, within its limit: nothing twice, no answer paid for twice, nothing late.

    `begin` comes before the first message of a process or a gateway session is heard, so that everything old stands in
    its channel's line before the new messages do; `go_on` when Discord can be asked. Commands that were missed are not
    carried out late.
    """

    channels: ChannelRecovery
    watermark: Watermark
    on_recovered: Callable[[Recovered], Awaitable[None]]
    _gap: Gap | None = field(default=None, init=False, repr=False)
    _may_go_on: asyncio.Event = field(default_factory=asyncio.Event, init=False, repr=False)
    _is_told: bool = field(default=False, init=False)

    @property
    def dialogue(self) -> Dialogue:
        """What answers, now as well as later."""
        return self.channels.dialogue

    async def begin(self) -> None:
        """Note what is unfinished and which channels matter, and stand in their lines.

        A gap that was begun and not gone through yet reaches further back, and stays.
        """
        if self._gap is None:
            self._gap = await self._open()
            self._hold(self._gap)

    def go_on(self) -> None:
        """Discord is there: go through the gap."""
        self._may_go_on.set()

    async def run(self) -> None:
        """Go through every gap, until cancelled; where two meet in a channel, its line keeps them apart."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._may_go_on.wait()
                self._may_go_on.clear()
                if self._gap is not None:
                    gap, self._gap = self._gap, None
                    group.create_task(self._go_through_to_the_end(gap))

    async def _open(self) -> Gap:
        # Only look-ups, which are done at once: a message that arrives meanwhile would stand in front.
        store, policy, now = self.dialogue.store, self.dialogue.policy, self.dialogue.clock()
        left = await self._left()
        gap = Gap(self.watermark.message_id)
        if gap.mark is not None:
            self._stand_in(gap, await store.look_up(marks.find_channels(now - policy.conversation_lifetime)))
            self._stand_in(gap, self.dialogue.busy_channels)  # a first conversation there has no row yet
        self._stand_in(gap, await store.look_up(rewrites.find_channels()))
        self._take_along(gap, left)
        if (since := self._since(gap)) is not None:
            counting = snowflake_of(snowflake_time(since) - policy.rate_interval)
            self.dialogue.decider.pace.remember(await store.look_up(turns.find_since(counting)))
        self.watermark.begin_at(snowflake_of(now))
        return gap

    async def _open_again(self, gap: Gap, channel_ids: Collection[int]) -> Gap:
        """The same gap for these channels only: the others are done, and their lines stay free."""
        left = await self._left()
        again = Gap(gap.mark)
        self._stand_in(again, channel_ids)
        self._take_along(again, (turn for turn in left if turn.channel_id in channel_ids))
        return again

    async def _left(self) -> list[Turn]:
        found = await self.dialogue.store.look_up(turns.find_unfinished())
        return [turn for turn in found if not self.dialogue.is_under_way(turn.message_id)]

    def _take_along(self, gap: Gap, left: Iterable[Turn]) -> None:
        for turn in left:
            self._stand_in(gap, [turn.channel_id])
            gap.errands[turn.channel_id].turns.append(turn)

    def _hold(self, gap: Gap) -> None:
        """Hold the mark at the gap's beginning: a process that ends before its end leaves the rest to the next one."""
        if gap.mark is not None:
            gap.hold.enter_context(self.watermark.deciding(gap.mark + 1))

    async def _go_through_to_the_end(self, gap: Gap) -> None:
        """Again while a channel can't be read or written in, until what is left would come too late anyway."""
        policy, clock = self.dialogue.policy, self.dialogue.clock
        delay, ends_at = policy.send_retry.total_seconds(), clock() + policy.catch_up_limit
        with gap.hold:
            again = gap
            while (unfinished := await self._go_through_and_tell(again)) and clock() < ends_at:
                await asyncio.sleep(delay)
                delay = min(delay * 2, policy.catch_up_limit.total_seconds() / 10)
                again = await self._open_again(gap, unfinished)

    async def _go_through_and_tell(self, gap: Gap) -> Collection[int]:
        """Go through it once; gives the channels that have to be gone through again."""
        tally = await self._go_through(gap)
        recovered = tally.total()
        if not self._is_told:
            self._is_told = True
            await self.on_recovered(recovered)  # whose receipt says the same
        elif recovered.missed:
            log.info(
                "After a gap: %d messages answered, %d answers adopted, skipped: %s",
                recovered.answered, recovered.adopted, recovered.skipped or "none",
            )  # fmt: skip
        return tally.unfinished

    async def _go_through(self, gap: Gap) -> Tally:
        """Adopt, finish and answer what the gap has left, channel by channel."""
        tally, gate = Tally(), asyncio.Semaphore(self.dialogue.policy.catch_up_concurrency)
        with gap.places:
            self._stand_in(gap, self.channels.history.threads_of(list(gap.errands)))
            jobs = [self.channels.recover(errand, gate, tally) for errand in gap.errands.values()]
            outcomes = await asyncio.gather(*jobs, return_exceptions=True)
        for errand, error in zip(gap.errands.values(), outcomes, strict=True):
            if error is not None:  # must not take the other channels down with it
                log.error("Catching up in channel %d failed: %s", errand.channel_id, trace(error))
                tally.unfinished.add(errand.channel_id)
        return tally

    def _stand_in(self, gap: Gap, channel_ids: Iterable[int]) -> None:
        for channel_id in channel_ids:
            if channel_id not in gap.errands:
                line = ExitStack()
                gap.places.push(line)
                is_first = line.enter_context(self.dialogue.line(channel_id))
                gap.errands[channel_id] = Errand(channel_id, is_first, line, self._since(gap), gap.mark)

    def _since(self, gap: Gap) -> int | None:
        """The message after which a channel is read for what was missed; None where there is no telling."""
        if gap.mark is None:
            return None
        seen_at = snowflake_time(gap.mark) - self.dialogue.policy.catch_up_overlap
        return snowflake_of(max(seen_at, self.dialogue.clock() - self.dialogue.policy.catch_up_limit))
