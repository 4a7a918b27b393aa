"""What stands in Discord at the end beside what the model says must stand there."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from bot.sandbox.ai import CHAT, AICall
from bot.sandbox.discord import Message
from tests.day.acts import Outcome, Say, Verdict
from tests.day.cast import Persona, personalities, token_of
from tests.day.oracle import Oracle
from tests.day.performance import Performance, answer_to, number_of


@dataclass(frozen=True, slots=True)
class Difference:
    """A message of which something else became than the model says."""

    number: int
    what: str


@dataclass(slots=True)
class Judgement:
    """All of it; `counts` are by what the model says, with how many are so."""

    differences: list[Difference] = field(default_factory=list)
    counts: dict[tuple[Outcome, str], list[int]] = field(default_factory=dict)
    answers: int = 0
    ai_calls: int = 0


@dataclass(slots=True)
class Judge:
    """Compares what was said and asked with the verdicts."""

    oracle: Oracle
    performance: Performance
    spoken: dict[int, list[Message]] = field(default_factory=lambda: defaultdict(list))
    words: Counter[int] = field(default_factory=Counter)
    asked: dict[int, list[AICall]] = field(default_factory=lambda: defaultdict(list))
    sequence: dict[int, list[int]] = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)

    def judge(self) -> Judgement:
        """Go through everything."""
        self._collect()
        judgement = Judgement(ai_calls=sum(map(len, self.asked.values())))
        for number, verdict in sorted(self.oracle.verdicts.items()):
            if number not in self.performance.messages:
                continue
            complaints = list(self._complaints(number, verdict))
            judgement.differences += [Difference(number, complaint) for complaint in complaints]
            tally = judgement.counts.setdefault((verdict.outcome, verdict.why), [0, 0])
            tally[0] += 1
            tally[1] += not complaints
            judgement.answers += number in self.spoken
        judgement.differences += [Difference(0, stray) for stray in self.strays]
        judgement.differences += list(self._disorder())
        return judgement

    def _collect(self) -> None:
        stage = self.performance.stage
        numbers = {message.id: number for number, message in self.performance.messages.items()}
        numbers |= self.performance.originals
        for spot, place in enumerate(stage.spots):
            sequence = self.sequence.setdefault(spot, [])
            for message in stage.discord.messages(place):
                if message.id in numbers or not self.performance.is_spoken(message):
                    continue
                number = number_of(message.content)
                if number is not None and (message.webhook_id or message.content.startswith("**")):
                    self.spoken[number].append(message)
                    if sequence[-1:] != [number]:
                        sequence.append(number)
                elif message.reply_to_id in numbers:
                    self.words[numbers[message.reply_to_id]] += 1
                else:
                    self.strays.append(f"the bot said this to nobody, in place {spot}: {message.content[:80]!r}")
        for call in stage.ai.calls:
            if call.route == CHAT:
                self.asked[number_of(call.question) or 0].append(call)

    def _complaints(self, number: int, verdict: Verdict) -> "list[str]":
        spoken, words, asked = self.spoken.get(number, []), self.words[number], self.asked.get(number, [])
        if verdict.outcome is not Outcome.ANSWER or verdict.persona is None or verdict.user is None:
            wanted = int(verdict.outcome is Outcome.WORD)
            found = [f"{len(spoken)} messages of an answer that must not be"] if spoken else []
            return found + ([f"{words} words from the bot, not {wanted}"] if words != wanted else [])
        persona = personalities()[verdict.persona]
        found = [f"{words} words from the bot beside the answer"] if words else []
        found += self._wrong_text(number, spoken) + self._wrong_face(persona, spoken)
        right = {(call.personality, call.user_token) for call in asked} == {(persona.full_name, token_of(verdict.user))}
        if not right:
            found.append(f"the AI service was asked {[(one.personality, one.user_token) for one in asked]}")
        if len(asked) > 1 and number not in self.oracle.asked_twice:
            found.append(f"the AI service was asked {len(asked)} times")
        say = self.oracle.said[number]
        if say.has_picture and not all(map(_shows_a_picture, asked)):
            found.append("the AI service did not get the picture")
        return found

    def _wrong_text(self, number: int, spoken: list[Message]) -> list[str]:
        if not spoken:
            return ["no answer"]
        whole = " ".join(_bare(message) for message in spoken).split()
        if whole == answer_to(number).split():
            return []
        return [f"{len(spoken)} messages that are not the answer once: {[m.content[:40] for m in spoken]}"]

    def _wrong_face(self, persona: Persona, spoken: list[Message]) -> list[str]:
        base = self.performance.stage.ai.url
        found = []
        for message in spoken:
            if not message.webhook_id:
                name, avatar = message.content[2:].partition(":** ")[0], None
            else:
                name, avatar = message.author_name, message.avatar_url
            if name != persona.display_name:
                found.append(f"said by {name}, not by {persona.display_name}")
            if message.webhook_id and avatar != f"{base}/avatars/{persona.full_name}.png":
                found.append(f"said with the picture {avatar}")
        return found

    def _disorder(self) -> "list[Difference]":
        found = []
        for spot, wanted in self.oracle.order.items():
            got = [number for number in self.sequence.get(spot, []) if number in set(wanted)]
            wanted_here = [number for number in wanted if number in set(got)]
            first = next((one for one, other in zip(got, wanted_here, strict=False) if one != other), None)
            if first is not None:
                found.append(Difference(first, f"answered out of order in place {spot}"))
        return found


def _bare(message: Message) -> str:
    return message.content if message.webhook_id else message.content.partition(":** ")[2]


def _shows_a_picture(call: AICall) -> bool:
    content = call.body["messages"][-1]["content"]
    return isinstance(content, list) and any(part["type"] == "image_url" for part in content)


def describe(say: Say | None) -> str:
    """A message in a line."""
    if say is None:
        return "a command"
    reply = "" if say.replies_to is None else f" in reply to №{say.replies_to}"
    return f"person {say.user} in place {say.spot}{reply}: {say.text[:80]}"
