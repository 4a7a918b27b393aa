"""Writing, changing and removing messages, and telling the bot of it."""

from collections.abc import Iterable, Iterator
from itertools import count

from bot.sandbox.discord import intents
from bot.sandbox.discord.mentions import pings_the_replied
from bot.sandbox.discord.model import JSON, Channel, Message, User, iso
from bot.sandbox.discord.payloads import channel_json, partial_member_json, user_json
from bot.sandbox.discord.reactions import reactions_json
from bot.sandbox.discord.state import Event, State

REPLY = 19
COMMAND = 20
HIDDEN = {"content": "", "embeds": [], "attachments": [], "components": []}
"""What the message-content intent uncovers."""


def publish(state: State, message: Message) -> Message:
    """Put a new message into its channel."""
    state.messages[message.channel_id][message.id] = message
    channel = state.channels[message.channel_id]
    channel.last_message_id = message.id
    if channel.is_archived and channel.guild:
        channel.is_archived = False
        state.emit(Event("THREAD_UPDATE", channel_json(channel), intents.GUILDS, channel.guild.id))
    announce(state, message)
    return message


def announce(state: State, message: Message) -> None:
    """Tell the bot of a message without writing one."""
    _tell(state, "MESSAGE_CREATE", message)


def replace(state: State, message: Message) -> Message:
    """Put a changed message in place of the old one."""
    state.messages[message.channel_id][message.id] = message
    _tell(state, "MESSAGE_UPDATE", message)
    return message


def remove(state: State, message: Message) -> None:
    """Delete a message."""
    del state.messages[message.channel_id][message.id]
    data = {"id": str(message.id), "channel_id": str(message.channel_id)}
    if message.guild_id:
        data["guild_id"] = str(message.guild_id)
    if not message.is_ephemeral:
        _emit(state, "MESSAGE_DELETE", message, data)
    state.bell.ring()


def remove_many(state: State, channel: Channel, message_ids: list[int]) -> None:
    """Delete messages of a channel at once, of which the bot is told in one event."""
    gone = [message_id for message_id in message_ids if state.messages[channel.id].pop(message_id, None)]
    data = {"ids": [str(message_id) for message_id in gone], "channel_id": str(channel.id)}
    guild_id = channel.guild.id if channel.guild else None
    if guild_id:
        data["guild_id"] = str(guild_id)
    if gone and state.is_seen_by_bot(channel):
        intent = intents.GUILD_MESSAGES if guild_id else intents.DIRECT_MESSAGES
        state.emit(Event("MESSAGE_DELETE_BULK", data, intent, guild_id))
    state.bell.ring()


def message_json(state: State, message: Message, *, with_original: bool = True) -> JSON:
    """A message as REST gives it."""
    data = {
        **_base_json(state, message),
        **_optional_json(message),
    }
    if message.reactions:
        data["reactions"] = reactions_json(state, message)
    if message.reply_to_id:
        data |= _reference_json(state, message, with_original=with_original)
    if message.forwarded is not None:
        data |= _forward_json(message.forwarded)
    return data


def rest_json(state: State, message: Message) -> JSON:
    """A message as the bot gets it by REST: without content where its application was not granted that intent."""
    data = message_json(state, message)
    if not state.granted_intents & intents.MESSAGE_CONTENT and _is_content_hidden(state, message):
        return _without_content(data)
    return data


def _tell(state: State, event: str, message: Message) -> None:
    if not message.is_ephemeral:
        data = message_json(state, message)
        _add_gateway_fields(state, message, data)
        _emit(state, event, message, data)
    state.bell.ring()


def _emit(state: State, event: str, message: Message, data: JSON) -> None:
    if not state.is_seen_by_bot(state.channels[message.channel_id]):
        return
    is_hidden = event != "MESSAGE_DELETE" and _is_content_hidden(state, message)
    intent = intents.GUILD_MESSAGES if message.guild_id else intents.DIRECT_MESSAGES
    state.emit(Event(event, data, intent, message.guild_id, _without_content(data) if is_hidden else None))


def _without_content(data: JSON) -> JSON:
    bare = {name: value for name, value in data.items() if name != "message_snapshots"} | HIDDEN
    if isinstance(data.get("referenced_message"), dict):
        bare["referenced_message"] = data["referenced_message"] | HIDDEN
    return bare


def _is_content_hidden(state: State, message: Message) -> bool:
    is_own = message.author.id == state.bot.id or message.application_id == state.application_id
    return message.guild_id is not None and not is_own and state.bot.id not in message.pinged_ids


def _base_json(state: State, message: Message) -> JSON:
    pinged = [state.users[user_id] for user_id in sorted(message.pinged_ids) if user_id in state.users]
    return {
        "id": str(message.id),
        "type": message.type,
        "channel_id": str(message.channel_id),
        "author": user_json(message.author),
        "content": message.content,
        "timestamp": iso(message.sent_at),
        "edited_timestamp": iso(message.edited_at) if message.edited_at else None,
        "flags": message.flags,
        "tts": False,
        "pinned": False,
        "mention_everyone": message.pings_everyone,
        "mentions": [user_json(user) for user in pinged],
        "mention_roles": [],
        "attachments": list(message.attachments),
        "embeds": list(message.embeds),
        "components": _numbered(message.components, count(1)),
    }


def _numbered(components: Iterable[JSON], numbers: Iterator[int]) -> list[JSON]:
    """Components as Discord gives them back: each with its number in the message."""
    return [
        {**one, "id": next(numbers)}
        | ({"components": _numbered(one["components"], numbers)} if "components" in one else {})
        | ({"accessory": _numbered([one["accessory"]], numbers)[0]} if "accessory" in one else {})
        for one in components
    ]


def _optional_json(message: Message) -> JSON:
    data: JSON = {}
    if message.nonce is not None:
        data["nonce"] = message.nonce
    for name in ("webhook_id", "application_id"):
        if getattr(message, name):
            data[name] = str(getattr(message, name))
    if message.interaction:
        data["interaction_metadata"] = dict(message.interaction)
    return data


def _reference_json(state: State, message: Message, *, with_original: bool) -> JSON:
    """What it replies to; of a message that is itself shown as an original, only which one that was."""
    reference = {"type": 0, "channel_id": str(message.channel_id), "message_id": str(message.reply_to_id)}
    if message.guild_id:
        reference["guild_id"] = str(message.guild_id)
    if not with_original:
        return {"message_reference": reference}
    original = state.messages[message.channel_id].get(message.reply_to_id or 0)
    referenced = message_json(state, original, with_original=False) if original else None
    return {"message_reference": reference, "referenced_message": referenced}


def _forward_json(original: Message) -> JSON:
    reference = {"type": 1, "channel_id": str(original.channel_id), "message_id": str(original.id)}
    if original.guild_id:
        reference["guild_id"] = str(original.guild_id)
    snapshot = {
        "type": original.type,
        "content": original.content,
        "timestamp": iso(original.sent_at),
        "edited_timestamp": iso(original.edited_at) if original.edited_at else None,
        "flags": original.flags,
        "mentions": [],
        "mention_roles": [],
        "attachments": list(original.attachments),
        "embeds": list(original.embeds),
        "components": [],
    }
    return {"message_reference": reference, "message_snapshots": [{"message": snapshot}]}


def _add_gateway_fields(state: State, message: Message, data: JSON) -> None:
    channel = state.channels[message.channel_id]
    data["channel_type"] = int(channel.type)
    if channel.guild is None:
        return
    data["guild_id"] = str(channel.guild.id)
    members = channel.guild.members
    if message.webhook_id is None and message.author.id in members:
        data["member"] = partial_member_json(members[message.author.id])
    for mention in data["mentions"]:
        if int(mention["id"]) in members:
            mention["member"] = partial_member_json(members[int(mention["id"])])


def pinged_by_reply(state: State, channel: Channel, message: Message) -> frozenset[int]:
    """The author of what is replied to, where the reply pings them."""
    original = state.messages[channel.id].get(message.reply_to_id or 0)
    if original is None or original.webhook_id or not pings_the_replied(message.allowed_mentions):
        return frozenset()
    return frozenset({original.author.id}) - {message.author.id}


def webhook_face(webhook_id: int, name: str, avatar_url: str | None) -> User:
    """The author of a webhook's message."""
    return User(webhook_id, name, is_bot=True, is_webhook=True, avatar_url=avatar_url)
