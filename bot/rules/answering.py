"""Who answers a message."""

from bot.model import Cause, Personality


def who_answers(
    replied_to: Personality | None, mentioned: Personality | None, activated: Personality | None
) -> tuple[Personality, Cause] | None:
    """The one personality that answers, and why: reply, then mention, then activated channel; removed ones never do."""
    wanted = ((replied_to, Cause.REPLY), (mentioned, Cause.MENTION), (activated, Cause.ACTIVATION))
    for personality, cause in wanted:
        if personality is not None and personality.is_active:
            return personality, cause
    return None
