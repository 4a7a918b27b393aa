"""One channel after a gap: answers nobody noted are adopted, unfinished ones finished, missed messages answered."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.errors import TzurotError
from bot.model import Heard, Place, Rewrite, Spoken, Turn, snowflake_of, snowflake_time
from bot.rules.dialogue.adoption import Asked, adopt
from bot.rules.dialogue.proxying import original_of
from bot.rules.dialogue.recovery import DELETED, FINAL, TOO_OLD, adopted, is_answerable, is_too_old
from bot.rules.dialogue.speech import message_limit, shown_name, spoken_name
from bot.rules.dialogue.splitting import split
from bot.services.answers.rewriting import Rewriting, outline
from bot.services.dialogue.delivery import Delivery, Task
from bot.services.dialogue.dialogue import Dialogue
from bot.services.ports import Herald, History, Written
from bot.services.recovery.errands import Errand, Findings, Tally, seen_again
from bot.store import personalities, rewrites, turns
from bot.store.statement import Store

log = logging.getLogger(__name__)

UNWANTED = "Unwanted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRecovery:
    """Brings a channel to where it would be had nobody been away."""

    dialogue: Dialogue
    history: History
    herald: Herald

    @property
    def store(self) -> Store:
        """The state, which is the dialogue's."""
        return self.dialogue.store

    @property
    def delivery(self) -> Delivery:
        """What says answers for the dialogue."""
        return self.dialogue.delivery

    @property
    def rewriting(self) -> Rewriting:
        """What changes answers that were said."""
        return Rewriting(delivery=self.delivery)

    async def recover(self, errand: Errand, gate: asyncio.Semaphore, tally: Tally) -> None:
        """Do the errand when its turn in the channel's line comes; the gate bounds how many are read at once."""
        with errand.line:
            await errand.is_first.wait()
            try:
                await self._recover(errand, gate, tally)
            except TzurotError as error:
                log.warning("What is left in channel %d waits: %s", errand.channel_id, error.message)
                tally.unfinished.add(errand.channel_id)

    async def _recover(self, errand: Errand, gate: asyncio.Semaphore, tally: Tally) -> None:
        # First, as a message of theirs that nobody noted would be taken for another answer.
        for rewrite in await self.store.fetch(rewrites.find_in(errand.channel_id)):
            await self._carry_out(rewrite)
        await self._look_again(errand)
        await self._give_up_old(errand, tally)
        async with gate:
            findings = await self._read(errand)
        tally.adopted += len(findings.adopted)
        await self._adopt(errand, findings, tally)
        left = {turn.message_id: turn for turn in errand.turns}
        heard = {message.message_id: message for message in findings.heard}
        for message_id in sorted(left.keys() | heard.keys()):
            if message_id in left:
                await self._take_up(left[message_id], findings, tally)
            else:
                await self._answer(heard[message_id], errand, findings, tally)

    async def _carry_out(self, rewrite: Rewrite) -> None:
        """Change an answer, or take it away, as was decided before; however late, as it may be done by half."""
        try:
            await self.rewriting.carry_out(rewrite.turn_id, is_left_over=True)
        except TzurotError as error:
            is_to_wait = not isinstance(error, FINAL) and not self._is_too_old(rewrite.created_at)
            if is_to_wait:
                raise
            log.warning("The answer to message %d stays as it is: %s", rewrite.turn_id, error.message)
            await self.rewriting.end(rewrite)

    async def _look_again(self, errand: Errand) -> None:
        """Since they were noted, whoever stood in front may have ended some of these turns."""
        if not errand.turns:
            return
        found = await self.store.fetch(turns.find([turn.message_id for turn in errand.turns]))
        errand.turns = sorted((turn for turn in found if turn.is_unfinished), key=lambda turn: turn.message_id)

    async def _give_up_old(self, errand: Errand, tally: Tally) -> None:
        for turn in list(errand.turns):
            if self._is_too_old(turn.created_at):
                errand.turns.remove(turn)
                if not self._was_too_old(turn, errand.mark):
                    tally.count(TOO_OLD)
                await self.store.write(turns.fail(turn.message_id, TOO_OLD, self.dialogue.clock()))

    def _was_too_old(self, turn: Turn, mark: int | None) -> bool:
        """Whether it was so before the gap already: then its author was told at the time, and it was not missed now."""
        limit = self.dialogue.policy.catch_up_limit
        return mark is not None and is_too_old(turn.created_at, snowflake_time(mark), limit)

    async def _read(self, errand: Errand) -> Findings:
        after = errand.after_message_id
        written = [] if after is None else await self._written(errand, after)
        if not written and not errand.turns:
            return Findings([], {}, set())
        heard = [entry.message_id for entry in written if isinstance(entry, Heard)]
        spoken = [entry.message_id for entry in written if isinstance(entry, Spoken)]
        states = {turn.message_id: turn for turn in await self.store.fetch(turns.find(heard))}
        written = await self._with_authors(written, states, errand)
        findings = Findings(written, states, await self.delivery.find_said(spoken))
        for turn in errand.turns:
            await self._look_for_answer(turn, findings)
        errand.turns = [turn for turn in errand.turns if turn.message_id not in findings.adopted]
        return findings

    async def _written(self, errand: Errand, after: int) -> list[Written]:
        """What was written since then, and what was written shortly before and has been changed since."""
        if errand.since is None:
            return await self.history.written_since(errand.channel_id, after)
        since, limit = snowflake_time(errand.since), self.dialogue.policy.edit_limit
        earliest = self.dialogue.clock() - self.dialogue.policy.catch_up_limit
        earlier = snowflake_of(max(since - limit, earliest))
        found = await self.history.written_since(errand.channel_id, min(after, earlier))
        return [written for entry in found if (written := seen_again(entry, after, since, limit))]

    async def _with_authors(self, written: list[Written], states: dict[int, Turn], errand: Errand) -> list[Written]:
        """What was written, where each copy of a proxy bot is from the person behind it, or left out."""
        heard = [entry for entry in written if isinstance(entry, Heard)]
        for entry in heard:
            if not entry.is_copy and not entry.place.is_dm:
                self.dialogue.authors.proxies.note(original_of(entry))
        unheard = [
            entry.message_id
            for entry in heard
            if errand.since is not None and entry.message_id > errand.since
            if not self._is_too_old(snowflake_time(entry.message_id))
            if not self.dialogue.is_under_way(entry.message_id)
        ]
        return await self.dialogue.authors.give_missed(written, states, unheard)

    async def _look_for_answer(self, turn: Turn, findings: Findings) -> None:
        """Find the first messages of a stored answer: those that were noted, and those that stand in the channel."""
        if turn.answer is None:
            return
        noted = await self.store.fetch(turns.find_chunks(turn.message_id))
        if await self._adopt_anew(turn, noted, findings):
            return
        missing = split(turn.answer, message_limit(is_dm=turn.guild_id is None))[len(noted) :]
        last = max([turn.message_id, *noted])
        found = adopted(missing, (spoken for spoken in findings.unknown if spoken.message_id > last))
        findings.said[turn.message_id] = [*noted, *found]
        findings.known.update(found)

    async def _adopt_anew(self, turn: Turn, noted: Sequence[int], findings: Findings) -> bool:
        """Whether the answer was said in full and then changed, so that its text is not to be found any more."""
        personality = await self.store.first(personalities.get_by_id(turn.personality_id))
        if personality is None:
            return False
        name = shown_name(spoken_name(personality), is_dm=turn.guild_id is None)
        said = findings.said_anew(turn.message_id, noted, name)
        if said:
            await self.delivery.adopt(outline(turn, personality), said)
            findings.note_adopted(turn.message_id, said)
        return bool(said)

    async def _adopt(self, errand: Errand, findings: Findings, tally: Tally) -> None:
        """Give what was said, and no row knows, to the messages that it answers.

        Again after each finding: a reply to an answer that has just been adopted is now known to be one.
        """
        while findings.unknown:
            waiting = await self._waiting(findings)
            walk = [*_walk(findings.written, waiting)]
            answers = adopt(walk, findings.known, message_limit(is_dm=_is_dm(waiting)))
            if not answers:
                return
            for number, said in answers.items():
                await self.delivery.adopt(waiting[number], said)
                findings.note_adopted(number, said)
                tally.adopted += 1
            errand.turns = [turn for turn in errand.turns if turn.message_id not in findings.adopted]

    async def _waiting(self, findings: Findings) -> dict[int, Task]:
        """The messages whose answer nobody knows of, with the turn that each asks for."""
        found: dict[int, Task] = {}
        for heard in findings.heard:
            if findings.is_settled(heard.message_id) or self.dialogue.is_under_way(heard.message_id):
                continue
            turn = findings.turns.get(heard.message_id)
            task = await self.dialogue.decider.addressee(heard) if turn is None else await self._task_of(turn, heard)
            if task is not None:
                found[heard.message_id] = task
        return found

    async def _task_of(self, turn: Turn, heard: Heard) -> Task | None:
        personality = await self.store.first(personalities.get_by_id(turn.personality_id))
        return Task(heard=heard, personality=personality, cause=turn.cause) if personality else None

    async def _take_up(self, turn: Turn, findings: Findings, tally: Tally) -> None:
        heard = None
        try:
            heard = await self.history.message(_place_of(turn), turn.message_id)
            heard = heard and replace(heard, author_id=turn.user_id)  # of a copy nothing else says it
            failure = await self._finish(turn, heard, findings)
        except TzurotError as error:
            await self._note_failure(turn.message_id, heard, error, tally)
            return
        if failure:
            await self.store.write(turns.fail(turn.message_id, failure, self.dialogue.clock()))
        tally.count(failure)
        log.info("Unfinished turn of message %d: %s", turn.message_id, failure or "done")

    async def _finish(self, turn: Turn, heard: Heard | None, findings: Findings) -> str | None:
        """Answer, or say why there will be no answer."""
        if heard is None or not is_answerable(heard):
            return DELETED
        task = await self.dialogue.decider.take_up(turn, heard)
        if task is None:
            return UNWANTED
        said = findings.said.get(turn.message_id, [])
        return None if await self.dialogue.finish(task, turn.answer, said) else DELETED

    async def _note_failure(self, message_id: int, heard: Heard | None, error: TzurotError, tally: Tally) -> None:
        """Tell the author, as they would have been told at the time, unless it is tried again later."""
        if isinstance(error, FINAL):
            await self.store.write(turns.fail(message_id, type(error).__name__, self.dialogue.clock()))
        turn = await self.store.first(turns.get(message_id))
        tally.count(type(error).__name__)
        if turn is not None and turn.is_unfinished:
            log.warning("Message %d waits for its answer: %s", message_id, error.message)
            tally.unfinished.add(turn.channel_id)
        elif heard is not None:
            await self.herald.tell(heard, error)

    async def _answer(self, heard: Heard, errand: Errand, findings: Findings, tally: Tally) -> None:
        """Answer a message that nobody has heard, as it would be answered now."""
        is_new = errand.since is not None and heard.message_id > errand.since
        if not (is_new or heard.is_edit) or heard.message_id in findings.turns or findings.is_settled(heard.message_id):
            return
        try:
            await self._answer_in_time(heard, errand, tally)
        except TzurotError as error:
            # Else it was told before the gap.
            if errand.mark is None or heard.message_id > errand.mark or heard.is_edit:
                await self._note_failure(heard.message_id, heard, error, tally)

    async def _answer_in_time(self, heard: Heard, errand: Errand, tally: Tally) -> None:
        if self._is_too_old(snowflake_time(heard.message_id)):
            if await self.dialogue.decider.addressee(heard) is not None:
                tally.count(TOO_OLD)
        elif is_answerable(heard) and await self.dialogue.answer(heard, errand.is_first):
            tally.count(None)
        elif heard.message_id in self.delivery.deletions:
            tally.count(DELETED)

    def _is_too_old(self, asked_at: datetime) -> bool:
        return is_too_old(asked_at, self.dialogue.clock(), self.dialogue.policy.catch_up_limit)


def _place_of(turn: Turn) -> Place:
    return Place(turn.channel_id, turn.guild_id, turn.parent_id)


def _walk(written: Sequence[Written], waiting: dict[int, Task]) -> Iterator[Asked | Spoken]:
    for entry in written:
        if isinstance(entry, Spoken):
            yield entry
        elif entry.message_id in waiting:
            yield Asked(entry.message_id, _name_of(waiting[entry.message_id]))


def _is_dm(waiting: dict[int, Task]) -> bool:
    return any(task.heard.place.is_dm for task in waiting.values())


def _name_of(task: Task) -> str:
    return shown_name(spoken_name(task.personality), is_dm=task.heard.place.is_dm)
