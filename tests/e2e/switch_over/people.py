"""Many users who talk all the time, and newcomers who change things and take half of it back."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random

from bot.sandbox.ai import CHAT, display_name
from bot.sandbox.certificate.books import SUCCESS, TOKEN, Balance, DeedKind, Line, Question, as_line, balance
from bot.sandbox.certificate.load import LOUNGE_VOICE, THINKING_SECONDS, VOICES, answer_to, parts_of
from bot.sandbox.discord.model import Channel, Message, Permission, User
from bot.sandbox.world import Sandbox
from tests.e2e.switch_over.changes import Command, Effect, Promised, promised

PATIENCE_SECONDS = 40.0
GARDENS = 4
QUIET_SECONDS = 0.5
"""Who would say something twice does it within this time after the last answer."""

NEWCOMERS = 2
"""How many people change things at the same time."""


@dataclass(frozen=True, slots=True)
class Talker:
    """Someone with a place among others, and one alone with the bot."""

    user: User
    place: Channel
    home: Channel


class People:
    """The people of one server; a talker says something every `pause_seconds` on average, also while no bot listens."""

    def __init__(self, sandbox: Sandbox, talkers: int, pause_seconds: float) -> None:
        self.questions: list[Question] = []
        self._commands: list[Command] = []
        self._discord, self._ai = sandbox.discord, sandbox.ai
        self._pause_seconds = pause_seconds
        self._chance = Random(talkers)  # noqa: S311 - the same every time
        self._guild = self._discord.add_guild("The Moving House")
        self._lounge = self._place("lounge")
        places = [self._lounge, *(self._place(f"garden-{number}") for number in range(GARDENS))]
        self._channels = list(places)
        self._talkers = [self._talker(number, places[number % len(places)]) for number in range(talkers)]
        self._talks: list[asyncio.Task[None]] = []
        self._ai.answers = answer_to
        self._ai.faults.delay(THINKING_SECONDS, route=CHAT, times=1_000_000)

    async def settle(self) -> None:
        """Everyone logs in and is verified, two personalities come, and a first word is exchanged in every place.

        What is said in a place where the bot has never spoken is not caught up with after a start.
        """
        await asyncio.gather(*(self._log_in(talker.user, talker.home) for talker in self._talkers))
        first = self._talkers[0].user
        for alias, name in VOICES.items():
            await self._add(first, name, alias)
        await self._activate(first, self._lounge, LOUNGE_VOICE)
        await asyncio.gather(*(self._verify(talker.user) for talker in self._talkers))
        for talker in self._talkers:
            for channel in (talker.place, talker.home):
                await self._say_something(channel, talker.user)
        await self.until_answered()

    def begin_to_talk(self) -> None:
        """Everyone talks from now on."""
        self._talks = [asyncio.create_task(self._talk(talker)) for talker in self._talkers]

    async def fall_silent(self) -> None:
        """Nobody says anything more; fails with what a talker failed with."""
        talks, self._talks = self._talks, []
        await _end(talks)

    async def until_quiet(self) -> None:
        """Wait until the bot has nothing more to say."""
        seen = -1
        while seen != (seen := len(self._lines())):  # noqa: ASYNC110 - silence is no event
            await asyncio.sleep(QUIET_SECONDS)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """Newcomers log in, add personalities, name and activate them, and every second one takes it all back."""
        changes = [asyncio.create_task(self._change()) for _ in range(NEWCOMERS)]
        try:
            yield
        finally:
            await _end(changes)

    async def until_answered(self) -> None:
        """Wait until everything that was asked is answered in full, or patience ends; the balance has what is not."""
        with suppress(TimeoutError):
            await self._discord.wait_until(
                lambda: not self._unanswered(self.questions), timeout_seconds=PATIENCE_SECONDS, what="every answer"
            )

    def answered(self) -> int:
        """How many questions were answered in full so far."""
        return len(self.questions) - len(self._unanswered(self.questions))

    def balance(self) -> Balance:
        """What was said against what was asked."""
        return balance(self.questions, self._lines())

    def promised(self) -> Promised:
        """What the bot said is done, so far."""
        return promised(self._commands, self._lines())

    def _unanswered(self, questions: Iterable[Question]) -> list[Question]:
        said = {(int(n), int(part)) for line in self._lines() for n, part in TOKEN.findall(line.text)}
        return [each for each in questions if any((each.number, part + 1) not in said for part in range(each.parts))]

    def _lines(self) -> list[Line]:
        return [
            as_line(channel.id, message.id, message.author_name, message.content, message.reply_to_id)
            for channel in self._channels
            for message in self._discord.messages(channel)
            if message.author.is_bot
        ]

    def _place(self, name: str) -> Channel:
        return self._discord.add_channel(self._guild, name, nsfw=True)

    def _newcomer(self, name: str) -> User:
        user = self._discord.add_user(name)
        self._discord.join(self._guild, user, permissions=Permission.MANAGE_MESSAGES)
        self._channels.append(self._discord.dm_channel(user))
        return user

    def _talker(self, number: int, place: Channel) -> Talker:
        user = self._newcomer(f"talker-{number}")
        return Talker(user, place, self._discord.dm_channel(user))

    async def _talk(self, talker: Talker) -> None:
        while True:
            await asyncio.sleep(self._pause_seconds * self._chance.uniform(0.5, 1.5))
            await self._say_something(self._chance.choice((talker.place, talker.home)), talker.user)

    async def _say_something(self, channel: Channel, user: User) -> None:
        """To whoever answers everything there, to the last who spoke, or to one by name."""
        said = [message for message in self._discord.messages(channel) if TOKEN.search(message.content)]
        if channel is self._lounge:
            await self._ask(channel, user, display_name(LOUNGE_VOICE))
        elif said and self._chance.random() < 0.3:
            last = as_line(channel.id, said[-1].id, said[-1].author_name, said[-1].content)
            await self._ask(channel, user, last.voice, said[-1])
        else:
            alias = self._chance.choice(list(VOICES))
            await self._ask(channel, user, display_name(VOICES[alias]), alias)

    async def _ask(self, channel: Channel, user: User, voice: str, cue: Message | str | None = None) -> None:
        """Ask what `voice` must answer, because of the message that it replies to or the alias that it mentions."""
        number = len(self.questions) + 1
        text = f"@{cue} q{number}?" if isinstance(cue, str) else f"q{number}?"
        reply_to = cue if isinstance(cue, Message) else None
        message = await self._discord.post(channel, user, text, reply_to=reply_to)
        self.questions.append(Question(number, channel.id, message.id, voice, parts_of(number)))

    async def _change(self) -> None:
        while True:
            number = len(self._guild.members)
            user, den = self._newcomer(f"guest-{number}"), self._place(f"den-{number}")
            self._channels.append(den)
            name, alias = f"guest-voice-{number}", f"friend {number}"
            await self._log_in(user, self._discord.dm_channel(user))
            await self._add(user, name, f"guest {number}")
            await self._give_alias(user, name, alias)
            await self._activate(user, den, name)
            await self._verify(user)
            if number % 2:
                await self._take_back(user, den, name, alias)

    async def _take_back(self, user: User, den: Channel, name: str, alias: str) -> None:
        activation = f"{DeedKind.ACTIVATION} {den.id} of {name}"
        await self._do(user, den, "deactivate", _taking("no longer answers every message here", activation))
        keys = (f"{DeedKind.PERSONALITY} {name}", f"{DeedKind.ALIAS} {alias} of {name}")
        await self._do(user, den, f"remove {name}", _taking("is gone", *keys))
        login = f"{DeedKind.LOGIN} {user.id}"
        await self._do(
            user, self._discord.dm_channel(user), "auth revoke", _taking("I have forgotten your login", login)
        )

    async def _log_in(self, user: User, home: Channel) -> None:
        code = self._ai.issue_code(user.id)
        await self._bring(DeedKind.LOGIN, f"{user.id}", user, (home, f"auth code {code}"))

    async def _add(self, user: User, name: str, alias: str) -> None:
        await self._bring(DeedKind.PERSONALITY, name, user, (self._channels[1], f"add {name} {alias}"))

    async def _give_alias(self, user: User, name: str, alias: str) -> None:
        await self._bring(DeedKind.ALIAS, f"{alias} of {name}", user, (self._channels[1], f"alias {name} {alias}"))

    async def _activate(self, user: User, channel: Channel, name: str) -> None:
        await self._bring(DeedKind.ACTIVATION, f"{channel.id} of {name}", user, (channel, f"activate {name}"))

    async def _verify(self, user: User) -> None:
        await self._bring(DeedKind.VERIFICATION, f"{user.id}", user, (self._channels[1], "verify"))

    async def _bring(self, kind: DeedKind, subject: str, user: User, command: tuple[Channel, str]) -> None:
        await self._do(user, *command, Effect(SUCCESS[kind], brings=frozenset({f"{kind} {subject}"})))

    async def _do(self, user: User, channel: Channel, text: str, effect: Effect) -> None:
        """Give a command and wait for the reply; a bot that died gives none."""
        message = await self._discord.post(channel, user, f"!tz {text}")
        self._commands.append(Command(message.id, text.partition(" code")[0], effect))
        await self._discord.wait_for_message(
            channel,
            message,
            timeout_seconds=PATIENCE_SECONDS,
            where=lambda found: found.reply_to_id == message.id,
        )
        await asyncio.sleep(self._chance.uniform(0.02, 0.1))


def _taking(success: str, *keys: str) -> Effect:
    return Effect(success, takes=frozenset(keys))


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for end in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(end, Exception):
            raise end
