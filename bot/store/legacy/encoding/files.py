"""Which files a format has, and of which tables each is made.

Names of personalities never change, and every row that names one is younger than it: so files in which they are
only named do not depend on `personalities`, which a fetched profile changes.
"""

from bot.store.files.plan import Format, Plan, Writer
from bot.store.legacy import folder
from bot.store.legacy.encoding import auth, avatars, channels, members, people


def _plan(name: str, write: Writer, *tables: str) -> Plan:
    return Plan(name, frozenset(tables), write)


FLAT = (
    _plan(folder.PERSONALITIES, people.write_flat, "personalities"),
    _plan(folder.ALIASES, people.write_aliases, "personality_aliases"),
    _plan(folder.TOKENS, auth.write_logins, "auth_tokens"),
    _plan(folder.VERIFIED, auth.write_verifications, "nsfw_verifications"),
)
NESTED = (
    _plan(folder.PERSONALITIES, people.write_nested, "personalities", "personality_aliases"),
    _plan(folder.AUTH, auth.write_users, "auth_tokens", "nsfw_verifications", "blacklist"),
)
COMMON = (
    _plan(folder.ACTIVATIONS, channels.write_activations, "channel_activations"),
    _plan(folder.CONVERSATIONS, channels.write_conversations, "conversations"),
    _plan(folder.MESSAGES, channels.write_mappings, "message_mappings"),
    _plan(folder.AUTO_RESPONSES, members.write_auto_responses, "auto_responses"),
    _plan(folder.BLACKLIST, members.write_blacklist, "blacklist"),
    _plan(folder.NOTIFICATIONS, members.write_notifications, "notification_preferences"),
    _plan(folder.VERSION, members.write_version, "notified_version"),
    _plan(folder.AVATARS, avatars.write_avatars, "avatars"),
)
PLANS = {Format.GEN1: FLAT + COMMON, Format.GEN2: NESTED + COMMON}


def plans(target: Format) -> tuple[Plan, ...]:
    """Every file of the original's in that format."""
    return PLANS[target]
