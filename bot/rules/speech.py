"""How a personality's words become Discord messages: names, prefixes, the 2000-character limit."""

MESSAGE_LIMIT = 2000
NAME_LIMIT = 80
DM_PREFIX_LIMIT = 90


def webhook_name(display_name: str) -> str:
    """A display name as Discord accepts it for a webhook: 1 to 80 characters, no forbidden word."""
    raise NotImplementedError


def dm_text(display_name: str, text: str) -> str:
    """How a personality speaks where there are no webhooks: `**name:** text`; services leave room for it."""
    raise NotImplementedError
