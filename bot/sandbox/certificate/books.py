"""The books of a run: what was asked and promised against what people saw, knowing nothing of the bot's tables."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

TOKEN = re.compile(r"\[q(\d+)\.(\d+)\]")
"""What the AI service of the sandbox puts before each part of an answer: the question's number and the part's."""

QUESTION = re.compile(r"\bq(\d+)\?")
DIRECT = re.compile(r"\*\*([^*\n]+):\*\* ")
UNCOPIED = "Saved here, "
"""In the reply to a command whose effect is on the volume only, so far."""


class DeedKind(StrEnum):
    """A durable write that a user asks for; the value is how its key begins."""

    LOGIN = "login"
    PERSONALITY = "personality"
    ALIAS = "alias"
    ACTIVATION = "activation"
    VERIFICATION = "verification"


SUCCESS = {
    DeedKind.LOGIN: "You are logged in",
    DeedKind.PERSONALITY: "is here. Call it by",
    DeedKind.ALIAS: "now also listens to",
    DeedKind.ACTIVATION: "now answers every message here",
    DeedKind.VERIFICATION: "You are verified",
}
"""What the bot says where it did what was asked."""


@dataclass(frozen=True, slots=True)
class Question:
    """A message that must be answered: by whom, and in how many parts."""

    number: int
    channel_id: int
    message_id: int
    voice: str
    parts: int


@dataclass(frozen=True, slots=True)
class Deed:
    """A command for a durable write; `key` says what must be there once it was acknowledged."""

    kind: DeedKind
    key: str
    message_id: int


@dataclass(frozen=True, slots=True)
class Line:
    """Something that the bot or a personality said; `voice` is the name over it, or before it in a direct message."""

    channel_id: int
    message_id: int
    text: str
    voice: str
    reply_to_id: int | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """What does not balance, one sentence each; all empty is what is promised."""

    missed: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    wrong_voice: tuple[str, ...] = ()
    out_of_order: tuple[str, ...] = ()


BALANCED = Balance()


@dataclass(slots=True)
class _Sayings:
    """Where each part of each answer was seen."""

    found: dict[tuple[int, int], list[Line]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, lines: Iterable[Line]) -> "_Sayings":
        sayings = cls()
        for line in lines:
            for number, part in TOKEN.findall(line.text):
                sayings.found[int(number), int(part)].append(line)
        return sayings

    def of_part(self, question: Question, part: int) -> list[Line]:
        return self.found.get((question.number, part), [])

    def of_question(self, question: Question) -> list[Line]:
        return [line for part in range(1, question.parts + 1) for line in self.of_part(question, part)]


def is_answered(question: Question, lines: Iterable[Line]) -> bool:
    """Whether every part of the answer was said."""
    sayings = _Sayings.of(lines)
    return all(sayings.of_part(question, part) for part in range(1, question.parts + 1))


def balance(questions: Sequence[Question], lines: Sequence[Line]) -> Balance:
    """Hold what was said against what was asked."""
    sayings = _Sayings.of(lines)
    told = {line.reply_to_id: line.text for line in lines if not TOKEN.search(line.text)}
    return Balance(
        missed=tuple(_missed(questions, sayings, told)),
        doubled=tuple(_doubled(questions, sayings)),
        wrong_voice=tuple(_wrong_voice(questions, sayings)),
        out_of_order=tuple(_out_of_order(questions, sayings)),
    )


def _missed(questions: Sequence[Question], sayings: _Sayings, told: Mapping[int | None, str]) -> Iterable[str]:
    for question in questions:
        missing = [part for part in range(1, question.parts + 1) if not sayings.of_part(question, part)]
        if missing:
            instead = f"; it was told: {told[question.message_id]}" if question.message_id in told else ""
            what = "the answer" if len(missing) == question.parts else f"part {missing[0]} of the answer"
            yield f"q{question.number} in {question.channel_id} misses {what}{instead}"


def _doubled(questions: Sequence[Question], sayings: _Sayings) -> Iterable[str]:
    for question in questions:
        for part in range(1, question.parts + 1):
            if len(found := sayings.of_part(question, part)) > 1:
                yield f"q{question.number} part {part} was said {len(found)} times: {_ids(found)}"


def _wrong_voice(questions: Sequence[Question], sayings: _Sayings) -> Iterable[str]:
    for question in questions:
        for line in sayings.of_question(question):
            if line.voice != question.voice:
                yield f"q{question.number} was answered by {line.voice} and not by {question.voice}"
            if line.channel_id != question.channel_id:
                yield f"q{question.number} was answered in {line.channel_id} and not in {question.channel_id}"


def _out_of_order(questions: Sequence[Question], sayings: _Sayings) -> Iterable[str]:
    last: dict[int, tuple[int, int]] = {}
    for question in sorted(questions, key=lambda each: each.message_id):
        firsts = [found[0] for part in range(1, question.parts + 1) if (found := sayings.of_part(question, part))]
        for line in firsts:
            before, number = last.get(question.channel_id, (0, 0))
            if line.message_id < before:
                yield f"q{question.number} was answered before q{number}, which had been asked before it"
            last[question.channel_id] = max(last.get(question.channel_id, (0, 0)), (line.message_id, question.number))


def _ids(lines: Iterable[Line]) -> str:
    return ", ".join(str(line.message_id) for line in lines)


def acknowledged(deeds: Iterable[Deed], lines: Iterable[Line]) -> list[Deed]:
    """The deeds of which the bot's reply says that they are done, and not that they are still being copied."""
    replies = {line.reply_to_id: line.text for line in lines}
    return [
        deed
        for deed in deeds
        if SUCCESS[deed.kind] in (text := replies.get(deed.message_id, "")) and UNCOPIED not in text
    ]


def lost(promised: Iterable[Deed], kept: frozenset[str]) -> tuple[str, ...]:
    """The keys of acknowledged deeds that are not there."""
    return tuple(deed.key for deed in promised if deed.key not in kept)


def as_line(channel_id: int, message_id: int, author: str, text: str, reply_to_id: int | None = None) -> Line:
    """What was seen in a channel; a direct message begins with the name of the personality that speaks."""
    direct = DIRECT.match(text)
    return Line(channel_id, message_id, text, direct[1] if direct else author, reply_to_id)
