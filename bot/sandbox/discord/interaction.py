"""A command, a press or a form of a user, from INTERACTION_CREATE to its last follow-up."""

import time
from dataclasses import dataclass, field

from bot.sandbox.discord.modals import Modal
from bot.sandbox.discord.model import JSON, Channel, Message, User
from bot.sandbox.discord.payloads import user_json

TOKEN_LIFETIME_SECONDS = 900.0


@dataclass(slots=True, eq=False)
class Interaction:
    """One use of a command, a button or a form.

    `answered_with` is the callback's type, None until the bot answered; `modal` the form that it showed; `opened_by`,
    where a form was sent, what had shown it.
    """

    id: int
    token: str = field(repr=False)
    user: User
    channel: Channel
    type: int
    deadline_seconds: float
    made_at: float = field(default_factory=time.monotonic)
    answered_with: int | None = None
    original_id: int | None = None
    message_ids: list[int] = field(default_factory=list)
    choices: list[JSON] = field(default_factory=list)
    pressed_on_id: int | None = None
    target_id: int | None = None
    modal: Modal | None = None
    opened_by: "Interaction | None" = None

    def metadata(self) -> JSON:
        """What a message that answers it says of it."""
        guild = self.channel.guild
        data: JSON = {
            "id": str(self.id),
            "type": self.type,
            "user": user_json(self.user),
            "authorizing_integration_owners": {"0": str(guild.id)} if guild else {"1": str(self.user.id)},
        }
        if self.target_id is not None:
            data["target_message_id"] = str(self.target_id)
        if self.opened_by is not None:
            data["triggering_interaction_metadata"] = self.opened_by.metadata()
        elif self.pressed_on_id is not None:
            data["interacted_message_id"] = str(self.pressed_on_id)
        return data

    @property
    def is_late(self) -> bool:
        """Whether the first answer would come too late."""
        return self.answered_with is None and time.monotonic() - self.made_at > self.deadline_seconds

    @property
    def is_over(self) -> bool:
        """Whether its token has expired."""
        return time.monotonic() - self.made_at > TOKEN_LIFETIME_SECONDS


@dataclass(frozen=True, slots=True)
class Reply:
    """What a user got for a command: `messages` are the answer and its follow-ups so far, ephemeral ones too.

    Where the bot showed a form, `modal` is that form and there is no message.
    """

    interaction_id: int
    messages: tuple[Message, ...]
    is_deferred: bool
    modal: Modal | None = None

    @property
    def message(self) -> Message:
        """The first answer."""
        return self.messages[0]

    @property
    def content(self) -> str:
        """The first answer's text."""
        return self.message.content

    @property
    def embeds(self) -> tuple[JSON, ...]:
        """The first answer's embeds."""
        return self.message.embeds

    @property
    def is_ephemeral(self) -> bool:
        """Whether only the user saw it."""
        return self.message.is_ephemeral
