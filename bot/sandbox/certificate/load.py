"""People who talk and give commands, a little faster than people do, and who write down what they asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from bot.sandbox.ai import CHAT, AICall, display_name
from bot.sandbox.certificate.books import QUESTION, Deed, DeedKind, Line, Question, acknowledged, as_line, is_answered
from bot.sandbox.discord.model import Channel, Message, Permission, User
from bot.sandbox.world import Sandbox

VOICES = {"heron": "brass-heron", "lantern": "quiet-lantern"}
"""Who is talked to in the garden and at home, by alias; the last one answers everything in the lounge."""

LOUNGE_VOICE = VOICES["lantern"]
PAUSE_SECONDS = (0.05, 0.2)
THINKING_SECONDS = 0.03
PATIENCE_SECONDS = 10.0
EVERY_LONG = 4
"""Each so many-th answer takes two messages."""

PART = 1200
"""Characters of each part of a long answer: two do not fit into one message."""

ERRANDS = 2
"""How many people give commands at the same time."""


def parts_of(number: int) -> int:
    """How many messages the answer to a question takes."""
    return 1 + (number % EVERY_LONG == 0)


def answer_to(text: str) -> str:
    """What the AI service answers: the question's number before each part, so that no two can be confused."""
    number = int(found[1]) if (found := QUESTION.search(text)) else 0
    parts = [f"[q{number}.{part}] I thought about it." for part in range(1, parts_of(number) + 1)]
    if len(parts) == 1:
        return parts[0]
    return "\n\n".join(f"{part} {'and on it goes ' * PART}"[:PART].strip() for part in parts)


@dataclass(frozen=True, slots=True)
class Places:
    """Where people are: garden for mentions and replies, lounge where one personality answers everything, a home."""

    garden: Channel
    lounge: Channel
    home: Channel


class Load:
    """The people of one installation. `questions` and `deeds` is what they asked for so far."""

    def __init__(self, sandbox: Sandbox, chance: Random) -> None:
        self.questions: list[Question] = []
        self.deeds: list[Deed] = []
        self._discord, self._ai = sandbox.discord, sandbox.ai
        self._chance = chance
        self._guild = self._discord.add_guild("The Proving Ground")
        self._talker = self._newcomer("mira")
        self._places = Places(
            self._discord.add_channel(self._guild, "garden", nsfw=True),
            self._discord.add_channel(self._guild, "lounge", nsfw=True),
            self._discord.dm_channel(self._talker),
        )
        self._channels = [self._places.garden, self._places.lounge, self._places.home]
        self._ai.answers = answer_to
        self._ai.faults.delay(THINKING_SECONDS, route=CHAT, times=1_000_000)

    async def set_up(self) -> None:
        """A login, two personalities, an activation, a verification, and a first word with it in every place."""
        await self._log_in(self._talker, self._places.home)
        for alias, name in VOICES.items():
            await self._add(self._talker, name, alias)
        await self._activate(self._talker, self._places.lounge, LOUNGE_VOICE)
        await self._verify(self._talker)
        for talk in self._talks():
            await talk()
        await self.until_answered(PATIENCE_SECONDS)
        await self._discord.wait_until(
            lambda: len(acknowledged(self.deeds, self.lines())) == len(self.deeds),
            timeout_seconds=PATIENCE_SECONDS,
            what="the acknowledgement of everything that was asked for before any fault",
        )

    async def go_on(self) -> None:
        """Talk and command until cancelled."""
        async with asyncio.TaskGroup() as group:
            for talk in self._talks():
                group.create_task(self._again(talk))
            for _ in range(ERRANDS):
                group.create_task(self._run_errands())

    async def ask_everywhere(self) -> None:
        """One more question in each place."""
        for talk in self._talks():
            await talk()

    async def ask_somewhere(self, times: int) -> None:
        """So many questions, each in a place chosen by lot."""
        for _ in range(times):
            await self._chance.choice(self._talks())()

    async def until_answered(self, timeout_seconds: float) -> bool:
        """Whether everything that was asked so far was answered in full within that time."""
        waiting = list(self.questions)

        def look() -> bool:
            lines = self.lines()
            waiting[:] = [question for question in waiting if not is_answered(question, lines)]
            return not waiting

        try:
            await self._discord.wait_until(look, timeout_seconds=timeout_seconds, what="every answer")
        except TimeoutError:
            return False
        return True

    def lines(self) -> list[Line]:
        """What the bot and its personalities said, in every channel that people look at."""
        return [
            as_line(channel.id, message.id, message.author_name, message.content, message.reply_to_id)
            for channel in self._channels
            for message in self._discord.messages(channel)
            if message.author.is_bot
        ]

    def transcript(self) -> str:
        """Everything that was said, a line a message, for whoever looks into a run that failed."""
        messages = sorted(
            ((channel, message) for channel in self._channels for message in self._discord.messages(channel)),
            key=lambda pair: pair[1].id,
        )
        return "\n".join(_shown(channel, message) for channel, message in messages) + "\n"

    def repeated_calls(self) -> int:
        """How often the AI service was asked again what it had been asked before."""
        asked = [number for call in self._ai.calls if (number := _number_in(call))]
        return len(asked) - len(set(asked))

    def _talks(self) -> list[Callable[[], Awaitable[None]]]:
        return [self._talk_in_garden, self._talk_in_lounge, self._talk_at_home]

    async def _again(self, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await act()
            await asyncio.sleep(self._chance.uniform(*PAUSE_SECONDS))

    async def _talk_in_garden(self) -> None:
        await self._mention_or_reply(self._places.garden)

    async def _talk_at_home(self) -> None:
        await self._mention_or_reply(self._places.home)

    async def _talk_in_lounge(self) -> None:
        await self._ask(self._places.lounge, "{}", display_name(LOUNGE_VOICE))

    async def _mention_or_reply(self, channel: Channel) -> None:
        said = [message for message in self._discord.messages(channel) if "[q" in message.content]
        if said and self._chance.random() < 0.3:  # noqa: PLR2004 - three in ten
            voice = as_line(channel.id, said[-1].id, said[-1].author_name, said[-1].content).voice
            await self._ask(channel, "{}", voice, reply_to=said[-1])
        else:
            alias = self._chance.choice(list(VOICES))
            await self._ask(channel, f"@{alias} {{}}", display_name(VOICES[alias]))

    async def _ask(self, channel: Channel, text: str, voice: str, reply_to: Message | None = None) -> None:
        number = len(self.questions) + 1
        message = await self._discord.post(channel, self._talker, text.format(f"q{number}?"), reply_to=reply_to)
        self.questions.append(Question(number, channel.id, message.id, voice, parts_of(number)))

    async def _run_errands(self) -> None:
        while True:
            number = len(self._guild.members)
            user = self._newcomer(f"guest-{number}")
            name, channel = f"guest-voice-{number}", self._discord.add_channel(self._guild, f"den-{number}", nsfw=True)
            self._channels += [channel, self._discord.dm_channel(user)]
            for errand in (
                partial(self._log_in, user, self._discord.dm_channel(user)),
                partial(self._add, user, name, f"guest {number}"),
                partial(self._give_alias, user, name, f"friend {number}"),
                partial(self._activate, user, channel, name),
                partial(self._verify, user),
            ):
                await errand()
                await asyncio.sleep(self._chance.uniform(*PAUSE_SECONDS))

    def _newcomer(self, name: str) -> User:
        user = self._discord.add_user(name)
        self._discord.join(self._guild, user, permissions=Permission.MANAGE_MESSAGES)
        return user

    async def _log_in(self, user: User, home: Channel) -> None:
        code = self._ai.issue_code(user.id)
        await self._do(DeedKind.LOGIN, f"{user.id}", user, (home, f"auth code {code}"))

    async def _add(self, user: User, name: str, alias: str) -> None:
        await self._do(DeedKind.PERSONALITY, name, user, (self._places.garden, f"add {name} {alias}"))

    async def _give_alias(self, user: User, name: str, alias: str) -> None:
        await self._do(DeedKind.ALIAS, f"{alias} of {name}", user, (self._places.garden, f"alias {name} {alias}"))

    async def _activate(self, user: User, channel: Channel, name: str) -> None:
        await self._do(DeedKind.ACTIVATION, f"{channel.id} of {name}", user, (channel, f"activate {name}"))

    async def _verify(self, user: User) -> None:
        await self._do(DeedKind.VERIFICATION, f"{user.id}", user, (self._places.garden, "verify"))

    async def _do(self, kind: DeedKind, subject: str, user: User, command: tuple[Channel, str]) -> None:
        """Give a command and wait for the reply; a bot that died gives none."""
        channel, text = command
        message = await self._discord.post(channel, user, f"!tz {text}")
        self.deeds.append(Deed(kind, f"{kind} {subject}", message.id))
        await self._discord.wait_for_message(
            channel,
            message,
            timeout_seconds=PATIENCE_SECONDS,
            where=lambda found: found.reply_to_id == message.id,
        )


def _number_in(call: AICall) -> str | None:
    found = QUESTION.search(call.question) if call.route == CHAT and isinstance(call.body, dict) else None
    return found[1] if found else None


def _shown(channel: Channel, message: Message) -> str:
    text = message.content if len(message.content) <= PART // 10 else message.content[: PART // 10] + " …"
    answering = f" (to {message.reply_to_id})" if message.reply_to_id else ""
    return f"{message.sent_at:%H:%M:%S.%f} {message.id} {channel.name}: {message.author_name}{answering}: {text!r}"
