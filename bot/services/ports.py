"""What the use cases need from outside; implemented by `ai`, `pluralkit`, `webhooks`, `cogs` and `durability`."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from bot.errors import TzurotError
from bot.model import Authorship, GrantedToken, Heard, Place, Profile, Question, Quote, ReplicationState, Spoken, Voice


@dataclass(frozen=True, slots=True)
class Told:
    """A message in which the bot itself, and no personality, has answered another one."""

    message_id: int
    replied_to_id: int


Written = Heard | Spoken | Told
"""What of a channel's messages matters to a bot that was away."""


class Speaker(Protocol):
    """Says things in a channel as a personality."""

    async def say(self, place: Place, voice: Voice, text: str, after_message_id: int) -> int:
        """Send one message of at most 2000 characters, once; returns its id.

        Raises UnavailableError or NotAllowedError, and UncertainError where Discord may have taken it.
        `after_message_id` is the message that it follows, the question or the last one said to it: in a DM Discord
        itself drops a second copy of what follows the same message.

        In a DM it is sent as `rules.dialogue.speech` makes it, `dm_text(display name, text)`, for which the text leaves
        room; elsewhere the webhook's name is `webhook_name(display name)` of the same.
        """

    async def edit(self, place: Place, voice: Voice, message_id: int, text: str) -> bool:
        """Let a message say something else; twice is as good as once.

        False where it can't: it is gone, or the webhook that spoke it is. Raises as `say` does.
        """

    async def delete(self, place: Place, message_id: int) -> None:
        """Take a message away; one that is gone is done. Raises as `say` does."""

    async def is_editable(self, place: Place, message_id: int) -> bool:
        """Whether a message is there and the webhook that spoke it is too. Raises as `say` does."""

    async def prepare(self, place: Place) -> None:
        """Make sure that something can be said there. Raises NotAllowedError or UnavailableError."""

    def typing(self, place: Place) -> AbstractAsyncContextManager[None]:
        """Show the typing indicator until the context ends; never raises."""


class History(Protocol):
    """Knows what was written in a channel while nobody listened."""

    async def message(self, place: Place, message_id: int) -> Heard | None:
        """The message as it stands now, with its place's; None where it is gone, or no longer the bot's to answer.

        Raises UnavailableError if nobody can tell at the moment.
        """

    async def spoken_since(self, place: Place, after_message_id: int) -> list[Spoken]:
        """What the bot's personalities said there after that message, oldest first. Raises UnavailableError."""

    async def written_since(self, channel_id: int, after_message_id: int) -> list[Written]:
        """What was written there after that message and matters, oldest first: no commands, nothing of other bots.

        Nothing where the bot may not read, with a line in the log. Raises UnavailableError.
        """

    def threads_of(self, channel_ids: Collection[int]) -> list[int]:
        """The open threads of these channels, as far as they are known."""


class Quotes(Protocol):
    """Knows the messages that others reply to and link to."""

    async def read(self, heard: Heard) -> Quote | None:
        """What the message quotes, with what that one replied to; within a time limit, and never raises.

        None where it quotes nothing, or nothing that its author can read. Not readable where nobody could tell.
        """


class Herald(Protocol):
    """Says in the bot's own name why there is no answer."""

    async def tell(self, heard: Heard, error: TzurotError) -> None:
        """Reply to the message with the error's sentence, pinging nobody; never raises."""


class Thinker(Protocol):
    """The AI service."""

    async def answer(self, question: Question) -> str:
        """The personality's answer, not empty. Raises UnavailableError, NotFoundError or NotAllowedError."""


class ProxyRegistry(Protocol):
    """Knows who is behind what PluralKit has posted again; absent (None) where nobody is to be asked."""

    async def author(self, message_id: int) -> Authorship | None:
        """Who wrote it; None where nothing is known of it. Raises UnavailableError."""


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


class Confirmer(Protocol):
    """Knows when what was committed is off-site as well."""

    async def confirm(self, timeout_seconds: float) -> bool:
        """Whether everything committed before this call is in the bucket, waiting at most that long; never raises.

        One upload serves all who wait. True at once where no bucket is configured: then the volume is all there is.
        """


class Owner(Protocol):
    """The person who hosts the bot, on Discord."""

    async def tell(self, text: str) -> bool:
        """Send a direct message; False, with the reason in the log, where it did not arrive. Never raises.

        Also False where no BOT_OWNER_ID is set.
        """


class Guilds(Protocol):
    """Knows who is in a server."""

    async def members_among(self, guild_id: int, user_ids: Collection[int]) -> set[int]:
        """Which of these users, at most 100, are members there. Raises UnavailableError if nobody can tell."""


class Mail(Protocol):
    """The bot's own direct messages to its users."""

    async def said(self, user_id: int) -> list[str]:
        """What the bot has lately said to the user, the last hundred messages of both. Raises as `send` does."""

    async def send(self, user_id: int, text: str, nonce: str) -> None:
        """Send a direct message; for some minutes Discord itself drops what comes with the same nonce.

        Raises NotAllowedError where the user takes none, or is no more, and UnavailableError where it may arrive later.
        """


class OwnMessages(Protocol):
    """What the bot has said in a direct message channel, in its own name or as a personality."""

    async def find(self, channel_id: int, before_message_id: int, limit: int) -> list[int]:
        """Which of the last `limit` messages before that one are, the newest first. Raises UnavailableError."""

    async def delete(self, channel_id: int, message_id: int) -> bool:
        """Delete one; False where Discord refuses it for good. One that is gone counts. Raises UnavailableError."""


class Replication(Protocol):
    """What is known of the copy in the bucket."""

    @property
    def state(self) -> ReplicationState:
        """The last known state, from memory."""
