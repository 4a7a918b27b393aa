"""What the use cases need from outside; implemented by `ai`, `webhooks` and `durability`."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bot.model import GrantedToken, Place, Profile, Question, ReplicationState, Voice


class Speaker(Protocol):
    """Says things in a channel as a personality."""

    async def say(self, place: Place, voice: Voice, text: str) -> int:
        """Send one message of at most 2000 characters; returns its id. Raises UnavailableError or NotAllowedError.

        In a DM it is sent as `rules.speech.dm_text(display name, text)`, for which the text leaves room; elsewhere
        the webhook's name is `rules.speech.webhook_name(display name)`.
        """

    def typing(self, place: Place) -> AbstractAsyncContextManager[None]:
        """Show the typing indicator until the context ends; never raises."""


class Thinker(Protocol):
    """The AI service."""

    async def answer(self, question: Question) -> str:
        """The personality's answer, not empty. Raises UnavailableError, NotFoundError or NotAllowedError."""


class ProfileSource(Protocol):
    """Knows personalities by name; absent (None) where no profile endpoint is configured."""

    async def fetch(self, full_name: str) -> Profile:
        """The profile. Raises NotFoundError for an unknown name, UnavailableError otherwise."""


class LoginService(Protocol):
    """Trades a user's code for a token; absent (None) where no login service is configured."""

    @property
    def link(self) -> str:
        """The page on which a user authorizes the bot and gets a code."""

    async def redeem(self, code: str) -> GrantedToken:
        """The token for a code. Raises NotAllowedError for a bad code, UnavailableError otherwise."""


class Replication(Protocol):
    """What is known of the copy in the bucket."""

    @property
    def state(self) -> ReplicationState:
        """The last known state, from memory."""
