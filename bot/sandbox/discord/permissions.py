"""What a member may do in a channel, by Discord's algorithm."""

from bot.sandbox.discord.failures import Failure, missing_access, missing_permissions
from bot.sandbox.discord.model import EVERYTHING, Channel, Guild, Member, Permission, User

DM_PERMISSIONS = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
)


def in_guild(guild: Guild, user: User) -> Permission:
    """The permissions of a member before any channel's overwrites."""
    member = guild.members.get(user.id)
    if member is None:
        return Permission.NONE
    if guild.owner.id == user.id:
        return EVERYTHING
    granted = guild.roles[guild.id].permissions
    for role in member.roles:
        granted |= role.permissions
    return EVERYTHING if granted & Permission.ADMINISTRATOR else granted


def in_channel(channel: Channel, user: User) -> Permission:
    """The permissions of a user in a channel; a thread takes its parent's overwrites."""
    if channel.guild is None:
        is_party = channel.recipient is not None and (user.is_bot or user.id == channel.recipient.id)
        return DM_PERMISSIONS if is_party else Permission.NONE
    granted = in_guild(channel.guild, user)
    if granted == EVERYTHING or user.id not in channel.guild.members:
        return granted
    granted = _overwritten(granted, channel.parent or channel, channel.guild.members[user.id])
    is_let_in = not channel.added or user.id in channel.added or granted & Permission.MANAGE_THREADS
    return granted if granted & Permission.VIEW_CHANNEL and is_let_in else Permission.NONE


def _overwritten(granted: Permission, channel: Channel, member: Member) -> Permission:
    assert channel.guild is not None  # noqa: S101 - the caller is in a guild
    nothing = (Permission.NONE, Permission.NONE)
    allow, deny = channel.overwrites.get(channel.guild.id, nothing)
    granted = granted & ~deny | allow
    of_roles = [channel.overwrites.get(role.id, nothing) for role in member.roles]
    for _, deny in of_roles:
        granted &= ~deny
    for allow, _ in of_roles:
        granted |= allow
    allow, deny = channel.overwrites.get(member.user.id, nothing)
    return granted & ~deny | allow


def sending(channel: Channel) -> Permission:
    """The permission that a message in this channel needs."""
    return Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES


def may_write(channel: Channel, user: User) -> bool:
    """Whether a user may write there: in a locked thread only those may who manage threads."""
    granted = in_channel(channel, user)
    is_locked = channel.is_locked and not granted & Permission.MANAGE_THREADS
    return bool(granted & sending(channel)) and not is_locked


def require_open(channel: Channel, bot: User) -> None:
    """Raise 160005 where a locked thread takes nothing of the bot, nor of its webhooks."""
    if channel.is_locked and not in_channel(channel, bot) & Permission.MANAGE_THREADS:
        raise Failure(400, 160005, "This thread is locked")


def require(channel: Channel, user: User, *needed: Permission) -> None:
    """Raise 50001 where the user does not see the channel, 50013 where a permission is missing."""
    granted = in_channel(channel, user)
    if not granted & Permission.VIEW_CHANNEL:
        raise missing_access()
    for permission in needed:
        if not granted & permission:
            raise missing_permissions()
