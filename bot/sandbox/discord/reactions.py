"""Reactions: an emoji under a message and who put it there."""

from bot.sandbox.discord import intents
from bot.sandbox.discord.failures import Failure
from bot.sandbox.discord.model import JSON, Message, User
from bot.sandbox.discord.payloads import member_json
from bot.sandbox.discord.state import Event, State

ASCII_LIMIT = 128


def emoji_json(emoji: str) -> JSON:
    """An emoji, where one of a guild's own is written as name:id. Raises 10014."""
    name, _, emoji_id = emoji.rpartition(":")
    if name and emoji_id.isdecimal():
        return {"id": emoji_id, "name": name.removeprefix("a:")}
    if not any(ord(letter) >= ASCII_LIMIT for letter in emoji):
        raise Failure(400, 10014, "Unknown Emoji")
    return {"id": None, "name": emoji}


def reactions_json(state: State, message: Message) -> list[JSON]:
    """The reactions under a message as the bot sees them."""
    return [
        {
            "emoji": emoji_json(emoji),
            "count": len(users),
            "count_details": {"burst": 0, "normal": len(users)},
            "burst_colors": [],
            "me_burst": False,
            "me": state.bot.id in users,
        }
        for emoji, users in message.reactions.items()
    ]


def add(state: State, message: Message, user: User, emoji: str) -> None:
    """Put an emoji under a message; a second one of the same user changes nothing."""
    emoji_json(emoji)
    users = message.reactions.get(emoji, ())
    if user.id not in users:
        _keep(state, message, emoji, (*users, user.id))
        _tell(state, "MESSAGE_REACTION_ADD", message, {**_event(message, emoji), **_who(state, message, user)})


def take_back(state: State, message: Message, user_id: int, emoji: str) -> None:
    """Remove a user's emoji from a message. Raises 10014 where it is not there."""
    users = message.reactions.get(emoji, ())
    if user_id not in users:
        raise Failure(404, 10014, "Unknown Emoji")
    _keep(state, message, emoji, tuple(other for other in users if other != user_id))
    data = {**_event(message, emoji), "user_id": str(user_id), "burst": False, "type": 0}
    _tell(state, "MESSAGE_REACTION_REMOVE", message, data)


def clear(state: State, message: Message, emoji: str | None = None) -> None:
    """Remove everybody's reactions, or those with one emoji."""
    if emoji is None:
        state.messages[message.channel_id][message.id] = message.changed(reactions={})
        data = {name: value for name, value in _event(message, "").items() if name != "emoji"}
        return _tell(state, "MESSAGE_REACTION_REMOVE_ALL", message, data)
    _keep(state, message, emoji, ())
    return _tell(state, "MESSAGE_REACTION_REMOVE_EMOJI", message, _event(message, emoji))


def _keep(state: State, message: Message, emoji: str, users: tuple[int, ...]) -> None:
    reactions = {**message.reactions, emoji: users}
    kept = {name: who for name, who in reactions.items() if who}
    state.messages[message.channel_id][message.id] = message.changed(reactions=kept)


def _event(message: Message, emoji: str) -> JSON:
    data: JSON = {"channel_id": str(message.channel_id), "message_id": str(message.id)}
    if message.guild_id:
        data["guild_id"] = str(message.guild_id)
    return {**data, "emoji": emoji_json(emoji)} if emoji else data


def _who(state: State, message: Message, user: User) -> JSON:
    data: JSON = {"user_id": str(user.id), "burst": False, "type": 0}
    if not message.webhook_id or message.author == state.bot:  # of a webhook's message no author is named
        data["message_author_id"] = str(message.author.id)
    channel = state.channels[message.channel_id]
    if channel.guild is not None and user.id in channel.guild.members:
        data["member"] = member_json(channel.guild.members[user.id])
    return data


def _tell(state: State, event: str, message: Message, data: JSON) -> None:
    intent = intents.GUILD_MESSAGE_REACTIONS if message.guild_id else intents.DIRECT_MESSAGE_REACTIONS
    if state.is_seen_by_bot(state.channels[message.channel_id]):
        state.emit(Event(event, data, intent, message.guild_id))
    state.bell.ring()
