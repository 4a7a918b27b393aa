"""Discord's messages as the program's own, and what may be done where they were written."""

from typing import cast

import discord

from bot.cogs.reading import PERSONAL, boxes_of, embed_of, is_a_copy, media_of, quote_of
from bot.errors import NotAllowedError
from bot.model import NOBODY, Attached, Heard, Place, Quote
from bot.rules.dialogue.proxying import Original
from bot.rules.dialogue.speech import undo_dm_text


async def heard_from(message: discord.Message, client: discord.Client) -> Heard:
    """A message without Discord's types."""
    if is_a_copy(message):
        return await _heard_from_copy(message, client)
    reference = message.reference
    is_reply = reference is not None and reference.type is discord.MessageReferenceType.reply
    return Heard(
        message_id=message.id,
        author_id=message.author.id,
        place=await _place_of_message(message, client),
        content=message.content,
        replied_to_id=reference.message_id if reference and is_reply else None,
        replied_to_webhook_name=_name_over(reference, client) if reference and is_reply else None,
        author_name=message.author.display_name,
        place_names=_place_names(message.channel),
        media=media_of(message.attachments),
        embeds=tuple(map(embed_of, message.embeds)),
        quote=_quote_with(message, client.user),
        edited_at=message.edited_at,
        pings_bot=_is_ping(message, client),
        is_muted=is_muted(message),
        attached=_files_of(message),
    )


async def _heard_from_copy(message: discord.Message, client: discord.Client) -> Heard:
    """What a proxy bot has posted again; it can't reply, and shows what was replied to in a box instead."""
    boxes, replied_to_id = boxes_of(message)
    return Heard(
        message_id=message.id,
        author_id=NOBODY,
        place=await _place_of_message(message, client),
        content=message.content,
        replied_to_id=replied_to_id,
        author_name=message.author.display_name,
        place_names=_place_names(message.channel),
        media=media_of(message.attachments),
        embeds=boxes,
        is_muted=is_muted(message),
        proxy_id=message.application_id,
        attached=_files_of(message),
    )


def original_from(message: discord.Message) -> Original:
    """A person's message, as far as it is needed to know it again in a copy."""
    return Original(message.id, message.channel.id, message.author.id, (message.content,), _files_of(message))


def is_from_a_person(message: discord.Message) -> bool:
    """Whether a human wrote it; bots, webhooks (the bot's own among them) and system messages are nothing."""
    return not message.author.bot and not message.webhook_id and message.type in PERSONAL


def is_muted(message: discord.Message) -> bool:
    """Whether the bot may not write where this was written: its webhooks could, but a moderator said no."""
    granted = granted_to_the_bot(message)
    if granted is None:
        return False
    if not isinstance(message.channel, discord.Thread):
        return not granted.send_messages
    is_locked = message.channel.locked and not granted.manage_threads
    return is_locked or not granted.send_messages_in_threads


def _is_ping(message: discord.Message, client: discord.Client) -> bool:
    """Whether it begins with the bot's name, or with that of the role that Discord has made for it."""
    me, role = client.user, message.guild.self_role if message.guild else None
    pings = (f"<@{me.id}>", f"<@!{me.id}>") if me else ()
    return message.content.lstrip().startswith((*pings, role.mention) if role else pings)


def granted_to_the_bot(message: discord.Message | discord.PartialMessage) -> discord.Permissions | None:
    """What the bot may do where the message was written; None where there are no permissions, or none are known."""
    if message.guild is None or isinstance(message.channel, discord.PartialMessageable):
        return None
    me = cast("discord.Member | None", message.guild.me)
    try:
        return message.channel.permissions_for(me) if me else None
    except discord.ClientException:  # a thread whose parent is not in the cache
        return None


def permissions_in(
    channel: discord.abc.GuildChannel | discord.Thread, member: discord.Member | None
) -> discord.Permissions:
    """What a member may do in a channel of their server; nothing where that is not known."""
    try:
        return channel.permissions_for(member) if member else discord.Permissions.none()
    except discord.ClientException:  # a thread whose parent is not in the cache
        return discord.Permissions.none()


def place_in(channel: object, guild_id: int | None) -> Place:
    """Discord's channel as a place."""
    channel_id = getattr(channel, "id", None)
    if channel_id is None:
        raise NotAllowedError("I can't tell which channel this is, so I stay out of it.")
    if isinstance(channel, discord.Thread):
        return Place(channel_id, guild_id, channel.parent_id, is_nsfw=channel.is_nsfw())
    is_nsfw = getattr(channel, "is_nsfw", None)
    return Place(channel_id, guild_id, is_nsfw=bool(guild_id and is_nsfw and is_nsfw()))


async def _place_of_message(message: discord.Message, client: discord.Client) -> Place:
    guild_id = message.guild.id if message.guild else getattr(message.channel, "guild_id", None)
    if guild_id and isinstance(message.channel, discord.PartialMessageable):
        # Its guild or thread is not in the cache (yet), and only Discord knows whether it is NSFW.
        return place_in(await client.fetch_channel(message.channel.id), guild_id)
    return place_in(message.channel, guild_id)


def _name_over(reference: discord.MessageReference, client: discord.Client) -> str | None:
    """The name over the message replied to, or in front of its words in a direct message.

    None where another bot's webhook spoke it, such as a proxy's for a person.
    """
    message = reference.resolved
    if not isinstance(message, discord.Message):
        return None
    if not message.webhook_id:
        parts = undo_dm_text(message.content) if message.guild is None and message.author == client.user else None
        return parts[0] if parts else None
    return message.author.name if message.application_id in (None, client.application_id) else None


def _quote_with(message: discord.Message, own_user: discord.ClientUser | None) -> Quote | None:
    """What Discord has sent along: the message replied to, or the one that was forwarded."""
    if message.message_snapshots:
        forwarded = message.message_snapshots[0]
        return Quote(
            content=forwarded.content,
            media=media_of(forwarded.attachments),
            embeds=tuple(map(embed_of, forwarded.embeds)),
        )
    resolved = message.reference.resolved if message.reference else None
    return quote_of(resolved, own_user) if isinstance(resolved, discord.Message) else None


def _files_of(message: discord.Message) -> tuple[Attached, ...]:
    return tuple(Attached(file.filename, file.size) for file in message.attachments)


def _place_names(channel: object) -> tuple[str, ...]:
    parts = (getattr(channel, "guild", None), getattr(channel, "parent", None), channel)
    names = (getattr(part, "name", None) for part in parts)
    return tuple(name for name in names if isinstance(name, str))
