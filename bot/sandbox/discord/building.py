"""Building and changing the world as people do it: guilds, channels, members, permissions."""

from collections.abc import Iterable

from bot.sandbox.discord import intents
from bot.sandbox.discord.model import (
    BOT_PERMISSIONS,
    EVERYONE,
    Channel,
    ChannelType,
    Guild,
    Member,
    Permission,
    Role,
    User,
    iso,
)
from bot.sandbox.discord.payloads import channel_json, guild_create_json, member_json, role_json
from bot.sandbox.discord.state import Event, State


def make_user(state: State, name: str, *, is_bot: bool = False, user_id: int | None = None) -> User:
    """A new person, or another bot."""
    user = User(user_id or state.snowflakes.next(), name, is_bot=is_bot)
    state.users[user.id] = user
    return user


def make_guild(state: State, name: str, bot_permissions: Permission = BOT_PERMISSIONS) -> Guild:
    """A new guild to which the bot was invited."""
    owner = make_user(state, f"{name} owner")
    guild = Guild(state.snowflakes.next(), name, owner)
    guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE)
    guild.members[owner.id] = Member(owner, iso(state.now()))
    role = Role(state.snowflakes.next(), state.bot.name, bot_permissions, bot_id=state.bot.id)
    guild.roles[role.id] = role
    guild.members[state.bot.id] = Member(state.bot, iso(state.now()), [role])
    state.guilds[guild.id] = guild
    state.emit(Event("GUILD_CREATE", guild_create_json(guild, state.bot), intents.GUILDS, guild.id))
    return guild


def make_channel(
    state: State, guild: Guild, name: str, *, is_nsfw: bool, kind: ChannelType = ChannelType.TEXT
) -> Channel:
    """A new channel that is no thread."""
    channel = Channel(state.snowflakes.next(), name, kind, guild=guild, is_marked_nsfw=is_nsfw)
    _add(state, channel)
    state.emit(Event("CHANNEL_CREATE", channel_json(channel), intents.GUILDS, guild.id))
    return channel


def make_thread(state: State, parent: Channel, name: str, added: Iterable[User] = ()) -> Channel:
    """A new thread, public unless some were added to it; or a post of a forum."""
    ids = frozenset(user.id for user in added)
    kind = ChannelType.PRIVATE_THREAD if ids else ChannelType.PUBLIC_THREAD
    thread = Channel(state.snowflakes.next(), name, kind, guild=parent.guild, parent=parent, added=ids)
    _add(state, thread)
    data = {**channel_json(thread), "newly_created": True}
    if state.is_seen_by_bot(thread) and parent.guild:
        state.emit(Event("THREAD_CREATE", data, intents.GUILDS, parent.guild.id))
    return thread


def _add(state: State, channel: Channel) -> None:
    state.channels[channel.id] = channel
    assert channel.guild is not None  # noqa: S101 - direct messages are made elsewhere
    channel.guild.channels[channel.id] = channel


def tell_of_channel(state: State, channel: Channel) -> None:
    """Tell the bot how a channel is now."""
    assert channel.guild is not None  # noqa: S101 - direct messages don't change
    event = "THREAD_UPDATE" if channel.is_thread else "CHANNEL_UPDATE"
    state.emit(Event(event, channel_json(channel), intents.GUILDS, channel.guild.id))


def drop_channel(state: State, channel: Channel) -> None:
    """Delete a channel or thread with its messages, threads and webhooks."""
    assert channel.guild is not None  # noqa: S101 - direct messages stay
    for thread in [c for c in state.channels.values() if c.parent is channel]:
        drop_channel(state, thread)
    del state.channels[channel.id], channel.guild.channels[channel.id]
    state.messages.pop(channel.id, None)
    for webhook in state.webhooks_of(channel):
        del state.webhooks[webhook.id]
    event = "THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE"
    state.emit(Event(event, channel_json(channel), intents.GUILDS, channel.guild.id))


def make_member(state: State, guild: Guild, user: User, permissions: Permission) -> Member:
    """A user joins; permissions beyond @everyone's come with a role of their own."""
    member = Member(user, iso(state.now()))
    guild.members[user.id] = member
    data = {**member_json(member), "guild_id": str(guild.id)}
    state.emit(Event("GUILD_MEMBER_ADD", data, intents.GUILD_MEMBERS, guild.id))
    if permissions:
        grant(state, guild, member, permissions)
    return member


def grant(state: State, guild: Guild, member: Member, permissions: Permission) -> None:
    """Give a member a role of its own with exactly these permissions, in place of the one before."""
    for role in member.roles:
        del guild.roles[role.id]
        gone = {"guild_id": str(guild.id), "role_id": str(role.id)}
        state.emit(Event("GUILD_ROLE_DELETE", gone, intents.GUILDS, guild.id))
    role = Role(state.snowflakes.next(), f"role of {member.user.name}", permissions)
    guild.roles[role.id] = role
    member.roles = [role]
    made = {"guild_id": str(guild.id), "role": role_json(role, len(guild.roles) - 1)}
    state.emit(Event("GUILD_ROLE_CREATE", made, intents.GUILDS, guild.id))
    data = {**member_json(member), "guild_id": str(guild.id)}
    # The bot hears of its own changes without the members intent.
    intent = intents.NONE_NEEDED if member.user == state.bot else intents.GUILD_MEMBERS
    state.emit(Event("GUILD_MEMBER_UPDATE", data, intent, guild.id))
