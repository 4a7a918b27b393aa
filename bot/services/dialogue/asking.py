"""What was heard becomes what the AI service is asked."""

from dataclasses import dataclass

from bot.model import Cause, Question
from bot.rules.dialogue.prompt import has_context, media_of, text_of
from bot.services.dialogue.delivery import Task
from bot.services.ports import Quotes


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Adds to a message what it quotes, read at the moment at which it is asked; without `quotes` nothing is read."""

    quotes: Quotes | None = None

    async def question(self, task: Task) -> Question:
        """The question of a turn: the same whether it is asked now, after a restart, or once more."""
        heard, personality = task.heard, task.personality
        quote = await self.quotes.read(heard) if self.quotes else heard.quote
        return Question(
            personality=personality,
            content=text_of(heard, quote, is_own=task.cause is Cause.REPLY, is_with_context=has_context(personality)),
            user_id=heard.author_id,
            channel_id=heard.place.channel_id,
            user_token=task.token,
            media=media_of(heard, quote),
        )
