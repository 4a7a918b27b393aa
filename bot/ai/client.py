"""Asks the AI service, which speaks OpenAI's protocol."""

from aiohttp import ClientSession

from bot.model import Question
from bot.settings import Settings


class AIClient:
    """The AI service behind `Thinker`; the session is the application's, which closes it."""

    def __init__(self, session: ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    async def answer(self, question: Question) -> str:
        """The personality's answer, not empty. Raises UnavailableError, NotFoundError or NotAllowedError."""
        raise NotImplementedError
