"""A personality answers a message once more, and the new answer stands where the old one did."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from bot.errors import ConflictError, NotAllowedError, NotFoundError, UnavailableError
from bot.model import Heard, Place, Turn
from bot.rules.dialogue.recovery import is_answerable
from bot.services.answers.answers import Answers
from bot.services.answers.rewriting import Rewriting
from bot.services.dialogue.delivery import Task
from bot.services.dialogue.dialogue import Dialogue
from bot.services.ports import History
from bot.store import logins, rewrites, turns
from bot.store.statement import Statement, Store


@dataclass(slots=True, kw_only=True, eq=False)
class Retrying:
    """Asks again what was asked, by today's rules; whatever fails leaves the old answer as it is.

    A process that dies before the AI service has answered leaves nothing; from then on `Rewriting` keeps its promise.
    """

    dialogue: Dialogue
    answers: Answers
    history: History
    _under_way: set[int] = field(default_factory=set, init=False, repr=False)

    @property
    def store(self) -> Store:
        """The state."""
        return self.answers.store

    @property
    def rewriting(self) -> Rewriting:
        """What changes answers."""
        return self.answers.rewriting

    async def retry(self, user_id: int, message_id: int) -> None:
        """Replace the answer of which the message is a part; returns when the new one stands there.

        Raises a TzurotError whose sentence the person must be told; ConflictError where a new answer is on its way.
        """
        turn = await self._turn_of(user_id, message_id)
        with self._alone(turn.message_id), self.dialogue.counted():
            if await self.store.first(rewrites.get(turn.message_id)) is not None:
                # It was asked for before, is paid for, and may be done by half.
                await self.rewriting.carry_out(turn.message_id, is_left_over=True)
            else:
                await self._retry(turn, message_id)

    async def _turn_of(self, user_id: int, message_id: int) -> Turn:
        if (await self.answers.get(message_id)).user_id != user_id:
            raise NotAllowedError("Only the person whom this answers can have another answer.")
        turn = await self.store.first(turns.find_by_sent(message_id))
        if turn is None:
            days = self.dialogue.policy.turns_lifetime.days
            raise NotAllowedError(f"I know for {days} days what an answer was for, and this one is older.")
        if turn.is_unfinished:
            raise ConflictError("I am still saying this.", remedy="Wait until it is complete.")
        return turn

    @contextmanager
    def _alone(self, turn_id: int) -> Iterator[None]:
        if self.dialogue.is_closing:
            raise UnavailableError("I am about to restart.", remedy="Try again in a minute.")
        if turn_id in self._under_way:
            raise ConflictError("A new answer is on its way already.")
        self._under_way.add(turn_id)
        try:
            yield
        finally:
            self._under_way.discard(turn_id)

    async def _retry(self, turn: Turn, message_id: int) -> None:
        place = Place(turn.channel_id, turn.guild_id, turn.parent_id)
        speaker = self.dialogue.delivery.speaker
        if not await speaker.is_editable(place, message_id):
            raise NotAllowedError("The webhook that spoke this was deleted since, so I can't change it any more.")
        task = await self.dialogue.decider.take_again(turn, await self._question_of(turn, place))
        async with speaker.typing(place):
            text = await self.dialogue.ask(task)
            if not await self.rewriting.decide(turn.message_id, text, self._touched(task)):
                raise ConflictError("This answer was deleted meanwhile.")
            await self._put_in_place(task, text)

    async def _question_of(self, turn: Turn, place: Place) -> Heard:
        """The question as it stands now, of the person whom it was answered to, also where a proxy has posted it."""
        heard = await self.history.message(place, turn.message_id)
        if heard is None or not is_answerable(heard):
            raise NotFoundError("I can't find the message that this answers any more, so I don't know what to ask.")
        return replace(heard, author_id=turn.user_id)

    async def _put_in_place(self, task: Task, text: str) -> None:
        """Where it takes more messages than there are, those come when everything before is said in the channel."""
        turn_id = task.heard.message_id
        said = await self.store.fetch(turns.find_chunks(turn_id))
        if len(task.cut(text)) <= len(said):
            await self.rewriting.carry_out(turn_id)
            return
        with self.dialogue.line(task.heard.place.channel_id) as is_first:
            await is_first.wait()
            if not self.dialogue.is_closing:  # else the next process does it, behind what this one left
                await self.rewriting.carry_out(turn_id)

    def _touched(self, task: Task) -> list[Statement]:
        if task.login is None:
            return []
        return [logins.touch(task.login.user_id, task.login.personality_name, self.dialogue.clock())]
