"""Who answers a message."""

from datetime import datetime, timedelta

from bot.model import Cause, Conversation, Personality

EXPLICIT = frozenset({Cause.REPLY, Cause.MENTION})
"""Where the author has called the personality with this very message."""


def who_answers(
    replied_to: Personality | None,
    mentioned: Personality | None,
    activated: Personality | None,
    talking: Personality | None,
) -> tuple[Personality, Cause] | None:
    """The one personality that answers, and why: the first of these that is there and was not removed."""
    wanted = (
        (replied_to, Cause.REPLY),
        (mentioned, Cause.MENTION),
        (activated, Cause.ACTIVATION),
        (talking, Cause.CONVERSATION),
    )
    for personality, cause in wanted:
        if personality is not None and personality.is_active:
            return personality, cause
    return None


def goes_on(conversation: Conversation, asked_at: datetime, lifetime: timedelta) -> bool:
    """Whether a message of that time belongs to the conversation: since it began, and soon after its last answer.

    By the time of the message, so that one that waited, for an answer in front or for a restart, still belongs to it,
    and so that one from before its beginning does not.
    """
    return conversation.started_at <= asked_at and asked_at - conversation.last_message_at < lifetime
