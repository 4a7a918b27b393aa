"""Reactions as the bot adds, reads and removes them."""

from bot.sandbox.discord.call import NOTHING, Answer, Call, Routes
from bot.sandbox.discord.failures import Failure
from bot.sandbox.discord.model import Channel, Message, Permission
from bot.sandbox.discord.payloads import user_json
from bot.sandbox.discord.permissions import require
from bot.sandbox.discord.reactions import add, clear, emoji_json, take_back
from bot.sandbox.discord.state import State

OF_MESSAGE = "/channels/{channel_id}/messages/{message_id}/reactions"
OF_EMOJI = OF_MESSAGE + "/{emoji_name}"


def _target(state: State, call: Call, *needed: Permission) -> tuple[Channel, Message]:
    channel = state.channel(call.id("channel_id"))
    require(channel, state.bot, *needed)
    return channel, state.message(channel.id, call.id("message_id"))


def put(state: State, call: Call) -> Answer:
    """PUT …/reactions/{emoji_name}/@me: only the first of its kind needs the permission to add."""
    channel, message = _target(state, call, Permission.READ_MESSAGE_HISTORY)
    emoji = call.parameters["emoji_name"]
    if emoji not in message.reactions:
        require(channel, state.bot, Permission.ADD_REACTIONS)
    add(state, message, state.bot, emoji)
    return NOTHING


def users(state: State, call: Call) -> Answer:
    """GET …/reactions/{emoji_name}: who reacted so."""
    _, message = _target(state, call, Permission.READ_MESSAGE_HISTORY)
    emoji_json(call.parameters["emoji_name"])
    found = message.reactions.get(call.parameters["emoji_name"], ())
    return Answer([user_json(state.users[user_id]) for user_id in found if user_id in state.users])


def delete_own(state: State, call: Call) -> Answer:
    """DELETE …/reactions/{emoji_name}/@me."""
    _, message = _target(state, call)
    take_back(state, message, state.bot.id, call.parameters["emoji_name"])
    return NOTHING


def delete_one(state: State, call: Call) -> Answer:
    """DELETE …/reactions/{emoji_name}/{user_id}: others' need Manage Messages, and stay in a direct message."""
    _, message = _of_others(state, call)
    take_back(state, message, call.id("user_id"), call.parameters["emoji_name"])
    return NOTHING


def delete_emoji(state: State, call: Call) -> Answer:
    """DELETE …/reactions/{emoji_name}: everybody's with this emoji."""
    _, message = _of_others(state, call)
    clear(state, message, call.parameters["emoji_name"])
    return NOTHING


def delete_all(state: State, call: Call) -> Answer:
    """DELETE …/reactions: everybody's."""
    _, message = _of_others(state, call)
    clear(state, message)
    return NOTHING


def _of_others(state: State, call: Call) -> tuple[Channel, Message]:
    if state.channel(call.id("channel_id")).is_dm:
        raise Failure(403, 50003, "Cannot execute action on a DM channel")
    return _target(state, call, Permission.MANAGE_MESSAGES)


ROUTES: Routes = {
    ("PUT", OF_EMOJI + "/@me"): put,
    ("DELETE", OF_EMOJI + "/@me"): delete_own,
    ("DELETE", OF_EMOJI + "/{user_id}"): delete_one,
    ("GET", OF_EMOJI): users,
    ("DELETE", OF_EMOJI): delete_emoji,
    ("DELETE", OF_MESSAGE): delete_all,
}
