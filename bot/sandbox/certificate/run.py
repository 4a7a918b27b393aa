"""One run: a start, people, a death, a start again, rest, and the books."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.errors import ExitCode, TzurotError
from bot.model import snowflake_time
from bot.sandbox.certificate import books
from bot.sandbox.certificate.books import TOKEN
from bot.sandbox.certificate.death import Death, event_of
from bot.sandbox.certificate.examination import Contents, Examiner, Loss
from bot.sandbox.certificate.installation import Installation, Instance, mortal_command
from bot.sandbox.certificate.load import Load
from bot.sandbox.certificate.outcome import Outcome
from bot.sandbox.certificate.plan import WHOLE, Network, Plan, Point, Victim

START_TIMEOUT_SECONDS = 30.0
REST_TIMEOUT_SECONDS = 20.0
QUIET_SECONDS = 0.5
"""Who would say something twice does it within this time after the last answer."""

SETTLING_SECONDS = 0.05
"""Until the sandbox has seen the connections of a dead process end."""


CLOCK_PRECISION = timedelta(milliseconds=2)


@dataclass(frozen=True, slots=True)
class Grave:
    """A volume that nobody goes on with: its database, and the copy from which the next life began."""

    database: Path
    copy: str | None
    died_at: datetime


@dataclass(slots=True, kw_only=True)
class Run:
    """Plays a plan in an installation of its own."""

    plan: Plan
    installation: Installation
    examiner: Examiner
    mortal_module: str
    load: Load = field(init=False)
    _graves: list[Grave] = field(default_factory=list)
    _death: Death = field(init=False)
    _began_again_at: float = 0.0
    _connected_at: float = 0.0

    def __post_init__(self) -> None:
        """Bring the people; they come before the bot does."""
        self.load = Load(self.installation.sandbox, self.plan.chance("load"))
        self._death = Death(self.installation.first, self.plan)

    async def play(self) -> Outcome:
        """Everything; what goes wrong is in the outcome."""
        began = time.monotonic()
        try:
            outcome = await self._play()
        except (TzurotError, TimeoutError) as error:
            outcome = self._failed(str(error))
        return replace(outcome, seconds=round(time.monotonic() - began, 2))

    async def _play(self) -> Outcome:
        await self._start_first()
        await self._suffer()
        await self._come_back()
        await self._rest()
        outcome = self._balance()
        code = await self._survivor.stop()
        if code != ExitCode.DONE and not outcome.failure:
            outcome = replace(outcome, failure=f"it stopped with exit code {code}")
        return await self._examine(outcome)

    async def _start_first(self) -> None:
        event = event_of(self.plan)
        command = mortal_command(self.mortal_module, event, self.installation.armed) if event else ()
        self.installation.first.keep_up(command)
        await self._until_connected(after=0)
        await self.load.set_up()

    async def _suffer(self) -> None:
        """Load, then faults, then death; people go on talking for a moment to nobody."""
        async with self._under_load():
            await self._death.come(self.installation.sandbox)
        await self._bury(self._death)
        self._require_clean_stop()
        await self.load.ask_somewhere(self.plan.asked_while_down)
        await asyncio.sleep(self.plan.down_seconds)

    def _require_clean_stop(self) -> None:
        codes = self.installation.first.codes
        if self.plan.victim is Victim.DEPLOYED and codes != [ExitCode.DONE]:
            raise TzurotError(f"it was asked to stop, and ended with exit code {codes[-1] if codes else 'none'}")

    @asynccontextmanager
    async def _under_load(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.load.go_on()), asyncio.create_task(self._spoil_network())]
        if self.plan.has_second:
            self.installation.second.keep_up()
        self.installation.armed.touch()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _spoil_network(self) -> None:
        if self.plan.network is not Network.GOOD:
            await asyncio.sleep(self.plan.network_after_seconds)
            await self.installation.set_network(self.plan.network)

    async def _bury(self, death: Death) -> None:
        """Note what the dead one leaves to nobody, and take it away."""
        if not (self.plan.is_volume_lost or self.plan.is_heir):
            return
        copy = await self.examiner.newest_copy(self.installation.direct())
        first = self.installation.first
        database = first.lose_volume() if self.plan.is_volume_lost and first.volume.exists() else first.database
        self._graves.append(Grave(database, copy, datetime.fromtimestamp(death.at, UTC)))

    async def _come_back(self) -> None:
        """Good network, everything started again, as often as the plan has deaths."""
        sessions = self.installation.sandbox.discord.session_count
        await self.installation.set_network(Network.GOOD)
        self._began_again_at = max(time.time(), self._death.at + SETTLING_SECONDS)
        if self.plan.has_second and not self.plan.is_heir:
            await self.installation.second.kill()
        is_new = self.plan.victim in WHOLE and not self.plan.is_heir
        if is_new:
            self.installation.first.keep_up()
            for _ in range(1, self.plan.deaths):
                await self._die_again()
        await asyncio.sleep(SETTLING_SECONDS)
        await self._until_connected(after=sessions if is_new else 0)
        self._connected_at = time.time()

    async def _die_again(self) -> None:
        plan = replace(self.plan, point=Point.RANDOM, after_seconds=self.plan.again_after_seconds)
        death = Death(self.installation.first, plan)
        await death.come(self.installation.sandbox)
        await self._bury(death)
        self.installation.first.keep_up()

    async def _rest(self) -> None:
        """Until everything is answered, those who ask now as well, or it is too late, and nobody says anything more."""
        await self.load.ask_everywhere()
        await self.load.until_answered(REST_TIMEOUT_SECONDS)
        seen = -1
        while seen != (seen := len(self.load.lines())):  # noqa: ASYNC110 - silence is no event
            await asyncio.sleep(QUIET_SECONDS)

    @property
    def _survivor(self) -> Instance:
        return self.installation.second if self.plan.is_heir else self.installation.first

    async def _until_connected(self, after: int) -> None:
        discord = self.installation.sandbox.discord
        try:
            await discord.wait_for_session(after, timeout_seconds=START_TIMEOUT_SECONDS)
        except TimeoutError:
            codes = ", ".join(map(str, self._survivor.codes)) or "none"
            raise TzurotError(
                f"it did not connect to Discord within {START_TIMEOUT_SECONDS:g} s; exit codes so far: {codes}"
            ) from None

    def _balance(self) -> Outcome:
        lines = self.load.lines()
        first, last = self._times(lines)
        return Outcome(
            plan=self.plan,
            acknowledged=len(books.acknowledged(self.load.deeds, lines)),
            questions=len(self.load.questions),
            balance=books.balance(self.load.questions, lines),
            is_at_point=self._death.is_at_point,
            repeated_calls=self.load.repeated_calls(),
            first_answer_ms=first,
            all_answered_ms=last,
        )

    def _times(self, lines: list[books.Line]) -> tuple[float | None, float | None]:
        """From the death to the first answer, and to the last one to who had asked before the bot was back."""
        asked = {
            question.number for question in self.load.questions if _time_of(question.message_id) <= self._connected_at
        }
        answers = [
            (_time_of(line.message_id), int(number))
            for line in lines
            for number, _ in TOKEN.findall(line.text)
            if _time_of(line.message_id) >= self._began_again_at
        ]
        if not answers:
            return None, None
        first = min(at for at, _ in answers)
        last = max([first, *(at for at, number in answers if number in asked)])
        return round((first - self._death.at) * 1000, 1), round((last - self._death.at) * 1000, 1)

    def _failed(self, reason: str) -> Outcome:
        lines = self.load.lines()
        return Outcome(
            plan=self.plan,
            questions=len(self.load.questions),
            acknowledged=len(books.acknowledged(self.load.deeds, lines)),
            balance=books.balance(self.load.questions, lines),
            failure=reason,
            is_at_point=self._death.is_at_point,
        )

    async def _examine(self, outcome: Outcome) -> Outcome:
        """Look for every acknowledged write on the volume and in the copy, and check every database there is."""
        promised = books.acknowledged(self.load.deeds, self.load.lines())
        volume = await self.examiner.look_into(self._survivor.database)
        copy = await self._restored("final", await self.examiner.newest_copy(self.installation.direct()))
        unsound = [f"the volume: {problem}" for problem in volume.problems]
        unsound += [f"the copy: {problem}" for problem in copy.problems]
        losses = []
        for number, grave in enumerate(self._graves, 1):
            restored = await self._restored(f"loss-{number}", grave.copy)
            unsound += [f"the copy before the loss: {problem}" for problem in restored.problems]
            losses.append(await self._lost_with(grave, restored))
        return replace(
            outcome,
            lost=tuple(dict.fromkeys(books.lost(promised, volume.deeds) + books.lost(promised, copy.deeds))),
            unsound=tuple(unsound),
            unnamed=unnamed(volume, losses),
            loss_window_ms=max((loss.window_ms for loss in losses), default=None),
        )

    async def _lost_with(self, grave: Grave, restored: Contents) -> Loss:
        if not grave.database.exists():  # it died before it had one
            return Loss()
        return Loss.between(await self.examiner.look_into(grave.database), restored, grave.died_at)

    async def _restored(self, name: str, copy: str | None) -> Contents:
        if copy is None:
            return Contents(("there is none",))
        target = self.installation.scratch(f"{name}.db")
        try:
            await self.examiner.restore(self.installation.direct(), copy, target)
        except TzurotError as error:
            return Contents((error.message,))
        return await self.examiner.look_into(target)


def unnamed(volume: Contents, losses: Sequence[Loss]) -> str:
    """What the receipt of the start after a loss leaves out; where there were two, the later one tells of its own."""
    since = losses[0].surely_since if len(losses) == 1 else None
    named = volume.restored_since
    if since is None or (named is not None and named <= since + CLOCK_PRECISION):
        return ""
    return f"the receipt says that writes may be missing since {named}, and they are since {since}"


def _time_of(message_id: int) -> float:
    return snowflake_time(message_id).timestamp()
