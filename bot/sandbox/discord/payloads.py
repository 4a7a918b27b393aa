"""The world in Discord's JSON."""

import hashlib

from bot.model import snowflake_time
from bot.sandbox.discord.model import (
    JSON,
    Channel,
    ChannelType,
    Guild,
    Member,
    Permission,
    Role,
    User,
    Webhook,
    iso,
)
from bot.sandbox.discord.permissions import in_channel

ATTACHMENT_LIMIT_BYTES = 10_485_760


def user_json(user: User) -> JSON:
    """A user, or a webhook's face."""
    return {
        "id": str(user.id),
        "username": user.name,
        "avatar": avatar_hash(user.avatar_url),
        "discriminator": "0000" if user.is_webhook else "4242" if user.is_bot else "0",
        "public_flags": 0,
        "flags": 0,
        "bot": user.is_bot,
        "global_name": None if user.is_bot else user.name,
        "primary_guild": None,
    }


def avatar_hash(source: str | None) -> str | None:
    """Discord serves avatars under a hash of their content; here of their address."""
    return None if source is None else hashlib.md5(source.encode(), usedforsecurity=False).hexdigest()


def me_json(user: User) -> JSON:
    """The bot's own account."""
    return {**user_json(user), "mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}


def partial_member_json(member: Member) -> JSON:
    """A member without its user, as messages carry it."""
    return {
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "flags": 0,
        "joined_at": member.joined_at,
        "nick": None,
        "pending": False,
        "premium_since": None,
        "roles": [str(role.id) for role in member.roles],
        "mute": False,
        "deaf": False,
    }


def member_json(member: Member) -> JSON:
    """A member with its user."""
    return {**partial_member_json(member), "user": user_json(member.user)}


def role_json(role: Role, position: int = 0) -> JSON:
    """A role."""
    return {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(int(role.permissions)),
        "position": position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": role.bot_id is not None,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
        **({"tags": {"bot_id": str(role.bot_id)}} if role.bot_id else {}),
    }


def channel_json(channel: Channel) -> JSON:
    """A channel of any kind."""
    if channel.is_dm:
        return _dm_json(channel)
    return _thread_json(channel) if channel.is_thread else _text_json(channel)


def _dm_json(channel: Channel) -> JSON:
    recipients = [user_json(channel.recipient)] if channel.recipient else []
    return {
        "id": str(channel.id),
        "type": int(ChannelType.DM),
        "last_message_id": str(channel.last_message_id) if channel.last_message_id else None,
        "flags": 0,
        "recipients": recipients,
    }


def _text_json(channel: Channel) -> JSON:
    assert channel.guild is not None  # noqa: S101 - only guild channels come here
    guild = channel.guild
    overwrites = [
        {"id": str(id_), "type": 0 if id_ in guild.roles else 1, "allow": str(int(allow)), "deny": str(int(deny))}
        for id_, (allow, deny) in channel.overwrites.items()
    ]
    of_voice: JSON = {"bitrate": 64_000, "user_limit": 0, "rtc_region": None}
    of_forum: JSON = {"available_tags": [], "default_reaction_emoji": None, "default_sort_order": None}
    return {
        "id": str(channel.id),
        "type": int(channel.type),
        "last_message_id": str(channel.last_message_id) if channel.last_message_id else None,
        "flags": 0,
        "guild_id": str(guild.id),
        "name": channel.name,
        "parent_id": None,
        "rate_limit_per_user": 0,
        "topic": None,
        "position": list(guild.channels).index(channel.id) if channel.id in guild.channels else 0,
        "permission_overwrites": overwrites,
        "nsfw": channel.is_marked_nsfw,
        **(of_voice if channel.type is ChannelType.VOICE else {}),
        **({**of_forum, "default_forum_layout": 0} if channel.is_forum else {}),
    }


def _thread_json(channel: Channel) -> JSON:
    assert channel.guild is not None  # noqa: S101 - only guild channels come here
    assert channel.parent is not None  # noqa: S101 - only threads come here
    made_at = iso(snowflake_time(channel.id))
    return {
        "id": str(channel.id),
        "type": int(channel.type),
        "last_message_id": str(channel.last_message_id) if channel.last_message_id else None,
        "flags": 0,
        "guild_id": str(channel.guild.id),
        "name": channel.name,
        "parent_id": str(channel.parent.id),
        "rate_limit_per_user": 0,
        "owner_id": str(channel.guild.owner.id),
        "thread_metadata": {
            "archived": channel.is_archived,
            "archive_timestamp": made_at,
            "auto_archive_duration": 1440,
            "locked": channel.is_locked,
            "create_timestamp": made_at,
        },
        "message_count": 0,
        "member_count": 1,
        "total_message_sent": 0,
    }


def guild_json(guild: Guild) -> JSON:
    """A guild as GET /guilds/{id} gives it."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner.id),
        "roles": [role_json(role, position) for position, role in enumerate(guild.roles.values())],
        "region": "deprecated",
        "afk_timeout": 300,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "preferred_locale": "en-US",
        **dict.fromkeys(_NULL_IN_A_GUILD),
        **dict.fromkeys(_ZERO_IN_A_GUILD, 0),
        **dict.fromkeys(("widget_enabled", "premium_progress_bar_enabled", "nsfw"), False),
        **{name: [] for name in ("features", "emojis", "stickers")},
    }


_NULL_IN_A_GUILD = (
    "icon",
    "description",
    "home_header",
    "splash",
    "discovery_splash",
    "banner",
    "application_id",
    "afk_channel_id",
    "system_channel_id",
    "widget_channel_id",
    "max_presences",
    "vanity_url_code",
    "rules_channel_id",
    "safety_alerts_channel_id",
    "public_updates_channel_id",
    "incidents_data",
)
_ZERO_IN_A_GUILD = (
    "system_channel_flags",
    "verification_level",
    "default_message_notifications",
    "mfa_level",
    "explicit_content_filter",
    "premium_tier",
    "premium_subscription_count",
    "nsfw_level",
)


def guild_create_json(guild: Guild, bot: User, *, with_members: bool = False) -> JSON:
    """A guild as GUILD_CREATE brings it: without the presence intent the bot is its only member there."""
    channels = list(guild.channels.values())
    threads = [c for c in channels if c.is_thread and in_channel(c, bot) & Permission.VIEW_CHANNEL]
    me = guild.members[bot.id]
    return {
        **guild_json(guild),
        "joined_at": me.joined_at,
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "members": [member_json(member) for member in (guild.members.values() if with_members else [me])],
        "channels": [channel_json(c) for c in channels if not c.is_thread],
        "threads": [channel_json(c) for c in threads],
        **{n: [] for n in ("voice_states", "presences", "stage_instances", "guild_scheduled_events")},
    }


def webhook_json(webhook: Webhook, *, with_user: bool = True) -> JSON:
    """A webhook with its token; `user` only where the bot's token asked."""
    reply = {
        "id": str(webhook.id),
        "type": 1,
        "channel_id": str(webhook.channel_id),
        "guild_id": str(webhook.guild_id),
        "name": webhook.name,
        "avatar": webhook.avatar,
        "token": webhook.token,
        "application_id": str(webhook.application_id) if webhook.application_id else None,
    }
    return {**reply, "user": user_json(webhook.creator)} if with_user else reply
