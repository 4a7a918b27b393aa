"""The acts of the plan as people do them."""

import asyncio
import re
from dataclasses import dataclass, field

from bot.sandbox.discord import CloseCode, Message, Persona, ProxyBot, Proxying, Upload
from tests.day.acts import Act, Break, Delete, Edit, Moment, Order, Say, Trouble
from tests.day.cast import personalities
from tests.day.stage import PATIENCE_SECONDS, SHORT, Stage

SPEAK = ("POST", "/webhooks/{webhook_id}/{webhook_token}")
MARK = re.compile(r"№(\d+)")
PARTS = 3
SETTLED_SECONDS = 3 * SHORT["mark_interval_seconds"]
PICTURE = Upload("picture.png", "image/png")
FILLER = "and so it goes on, wave after wave. " * 40


def answer_to(number: int) -> str:
    """What a personality says to a message: most answers are short, some take several messages."""
    if number % 23:
        return f"I hear you, №{number}."
    return "\n\n".join(f"№{number} part {part}: {FILLER}".strip() for part in range(PARTS))


def number_of(text: str) -> int | None:
    """The message that a text is about: of all numbers in it the newest, as quotes are older."""
    found = [int(number) for number in MARK.findall(text)]
    return max(found, default=None)


@dataclass(slots=True)
class Performance:
    """What was written so far, by the messages' numbers."""

    stage: Stage
    messages: dict[int, Message] = field(default_factory=dict)
    answers: dict[int, Message] = field(default_factory=dict)
    originals: dict[int, int] = field(default_factory=dict)
    """The numbers of what proxy bots have replaced, by its id."""
    _seen: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let the AI service answer."""
        self.stage.ai.answers = lambda question: answer_to(number_of(question) or 0)

    async def perform(self, moment: Moment) -> None:
        """Let it happen, and wait until the bot is at rest."""
        self.stage.clock.seconds = moment.at
        if moment.gap is not None:
            await self._gap(moment, moment.gap)
        elif moment.is_held:
            await self._held(moment)
        else:
            for act in moment.acts:
                await self._act(act)
        await self.stage.rest()

    async def _held(self, moment: Moment) -> None:
        gate = await self._hold(moment.acts[0])
        for act in moment.acts[1:]:
            await self._act(act)
        await self.stage.heard()
        gate.set()

    async def _hold(self, act: Act) -> asyncio.Event:
        """Let the AI service keep its answer back, once it was asked."""
        asked = len(self.stage.ai.calls)
        gate = self.stage.ai.faults.hold()
        await self._act(act)
        await self.stage.ai.wait_for_calls(asked + 1, timeout_seconds=PATIENCE_SECONDS)
        return gate

    async def _gap(self, moment: Moment, kind: Break) -> None:
        stage, acts = self.stage, moment.acts
        sessions, resumes = stage.discord.session_count, stage.discord.resume_count
        gate = await self._hold(acts[0]) if moment.is_held else None
        if kind is Break.RESUME:
            await stage.discord.drop_gateway(CloseCode.UNKNOWN_ERROR)
        elif kind is Break.INVALID:
            stage.discord.invalidate_session()
        elif kind is Break.CLEAN:
            await stage.stop_bot()
        else:
            await asyncio.sleep(SETTLED_SECONDS)  # that it has noted what it saw: else it may say again why not
            await stage.kill_bot()
        for position, act in enumerate(acts):
            stage.clock.seconds = moment.at + position * moment.lasts / 2 / len(acts)
            if gate is None or position:
                await self._act(act)
        stage.clock.seconds = moment.at + moment.lasts
        if gate is not None:
            gate.set()
        if kind is Break.RESUME:
            await stage.discord.wait_until(lambda: stage.discord.resume_count > resumes, what="the RESUME")
        elif kind is Break.INVALID:
            await stage.discord.wait_for_session(sessions)
        else:
            await stage.start_bot()

    async def _act(self, act: Act) -> None:
        if isinstance(act, Say):
            await self._say(act)
        elif isinstance(act, Edit):
            self.messages[act.number] = await self.stage.discord.edit(self.messages[act.number], act.text)
        elif isinstance(act, Delete):
            await self.stage.discord.delete(self.messages[act.number])
        else:
            await self._order(act)

    async def _say(self, say: Say) -> None:
        if say.trouble is not None:
            self._arrange(say.trouble)
        stage = self.stage
        place, user = stage.spots[say.spot], stage.users[say.user]
        target = self._target(say)
        if say.proxy is None:
            files = [PICTURE] if say.has_picture else []
            self.messages[say.number] = await stage.discord.post(place, user, say.text, target, attachments=files)
            return
        persona = Persona(f"Someone {say.user}", ProxyBot[say.proxy])
        proxying = stage.discord.proxying(place, user, say.text, target, persona=persona)
        if say.is_slow:
            await self._take_time(proxying, deletes_first=say.deletes_first)
        else:
            await proxying.run(deletes_first=say.deletes_first)
        assert proxying.original is not None
        assert proxying.said is not None
        self.messages[say.number] = proxying.said
        self.originals[proxying.original.id] = say.number

    async def _take_time(self, proxying: Proxying, *, deletes_first: bool) -> None:
        """The bot gets to see each step before the next is taken."""
        steps = (proxying.remove, proxying.copy) if deletes_first else (proxying.copy, proxying.remove)
        for step in (proxying.write, *steps):
            await step()
            await self.stage.heard()

    def _target(self, say: Say) -> Message | None:
        if say.replies_to is None:
            return None
        if say.to_person:
            return self.messages[say.replies_to]
        self._look(say.spot)
        return self.answers.get(say.replies_to)

    def _look(self, spot: int) -> None:
        """Note which answers were given in a place since the last look."""
        messages = self.stage.discord.messages(self.stage.spots[spot])
        seen = self._seen.get(spot, 0)
        for message in reversed(messages):
            if message.id <= seen:
                break
            number = number_of(message.content)
            if number is not None and message.id not in self.messages and self.is_spoken(message):
                self.answers[number] = message
        self._seen[spot] = messages[-1].id if messages else 0

    def is_spoken(self, message: Message) -> bool:
        is_own = message.author == self.stage.discord.bot_user
        return is_own or message.application_id == self.stage.discord.application_id

    async def _order(self, order: Order) -> None:
        name = "" if order.persona is None else f" {personalities()[order.persona].full_name}"
        place, user = self.stage.spots[order.spot], self.stage.users[order.user]
        self.messages[order.number] = await self.stage.discord.post(place, user, f"!tz {order.word}{name}")

    def _arrange(self, trouble: Trouble) -> None:
        faults, ai = self.stage.discord.faults, self.stage.ai.faults
        if trouble is Trouble.DISCORD_429:
            faults.limit(*SPEAK, 0.01)
        elif trouble is Trouble.DISCORD_500:
            faults.fail(*SPEAK, 500)
        elif trouble in (Trouble.DISCORD_LOST, Trouble.DISCORD_CUT):
            faults.lose_answer(*SPEAK, 502 if trouble is Trouble.DISCORD_LOST else None)
        else:
            ai.fail(429 if trouble is Trouble.AI_429 else 500, retry_after="1")
