"""Messages: create, read, edit, delete; typing; direct messages."""

from collections.abc import Iterator
from datetime import timedelta

from bot.sandbox.discord.call import NOTHING, Answer, Call, Routes
from bot.sandbox.discord.failures import Failure, as_snowflake, invalid_form, missing_permissions, unknown
from bot.sandbox.discord.messages import publish, remove, remove_many, replace, rest_json
from bot.sandbox.discord.model import Channel, Message, Permission, Typing
from bot.sandbox.discord.payloads import channel_json
from bot.sandbox.discord.permissions import in_channel, require, require_open, sending
from bot.sandbox.discord.state import State
from bot.sandbox.discord.writing import Sender, compose, rewrite

NONCE_LIFETIME = timedelta(minutes=5)
BULK_LIMITS = (2, 100)
PAGE_LIMIT = 100


def create(state: State, call: Call) -> Answer:
    """POST /channels/{channel_id}/messages."""
    channel = state.channel(call.id("channel_id"))
    require(channel, state.bot, sending(channel))
    require_open(channel, state.bot)
    if channel.is_forum:
        raise Failure(400, 50008, "Cannot send messages in a non-text channel")
    if channel.recipient and channel.recipient.id in state.blocking_ids:
        raise Failure(403, 50007, "Cannot send messages to this user")
    message = compose(state, channel, Sender(state.bot), call)
    _require_permissions_for(channel, message, state)
    same = _sent_before(state, message) if call.form.get("enforce_nonce") else None
    return Answer(rest_json(state, same or publish(state, message)))


def _require_permissions_for(channel: Channel, message: Message, state: State) -> None:
    if message.attachments:
        require(channel, state.bot, Permission.ATTACH_FILES)
    if message.reply_to_id:
        require(channel, state.bot, Permission.READ_MESSAGE_HISTORY)


def _sent_before(state: State, message: Message) -> Message | None:
    if message.nonce is None:
        return None
    oldest = state.now() - NONCE_LIFETIME
    for other in state.messages[message.channel_id].values():
        is_same = other.nonce == message.nonce and other.author.id == message.author.id
        if is_same and other.sent_at >= oldest:
            return other
    return None


def fetch(state: State, call: Call) -> Answer:
    """GET /channels/{channel_id}/messages/{message_id}."""
    channel = state.channel(call.id("channel_id"))
    require(channel, state.bot, Permission.READ_MESSAGE_HISTORY)
    return Answer(rest_json(state, state.message(channel.id, call.id("message_id"))))


def history(state: State, call: Call) -> Answer:
    """GET /channels/{channel_id}/messages: newest first; without the permission an empty list."""
    channel = state.channel(call.id("channel_id"))
    require(channel, state.bot)
    if not in_channel(channel, state.bot) & Permission.READ_MESSAGE_HISTORY:
        return Answer([])
    limit = as_snowflake("limit", call.query.get("limit", "50"))
    if not 1 <= limit <= PAGE_LIMIT:
        raise invalid_form("limit", "NUMBER_TYPE_MAX", f"int value should be less than or equal to {PAGE_LIMIT}.")
    return Answer([rest_json(state, message) for message in _page(state, channel, call, limit)])


def _page(state: State, channel: Channel, call: Call, limit: int) -> Iterator[Message]:
    found = [message for message in state.messages[channel.id].values() if not message.is_ephemeral]
    if "around" in call.query:
        around = as_snowflake("around", call.query["around"])
        found = sorted(sorted(found, key=lambda message: abs(message.id - around))[:limit], key=lambda m: m.id)
    if "before" in call.query:
        found = [message for message in found if message.id < as_snowflake("before", call.query["before"])]
    if "after" in call.query:
        newer = [message for message in found if message.id > as_snowflake("after", call.query["after"])]
        return reversed(newer[:limit])
    return reversed(found[-limit:])


def edit(state: State, call: Call) -> Answer:
    """PATCH /channels/{channel_id}/messages/{message_id}."""
    channel = state.channel(call.id("channel_id"))
    require(channel, state.bot)
    message = state.message(channel.id, call.id("message_id"))
    if message.author != state.bot:
        raise Failure(403, 50005, "Cannot edit a message authored by another user")
    return Answer(rest_json(state, replace(state, rewrite(state, channel, message, call))))


def delete(state: State, call: Call) -> Answer:
    """DELETE /channels/{channel_id}/messages/{message_id}."""
    channel = state.channel(call.id("channel_id"))
    require(channel, state.bot)
    message = state.message(channel.id, call.id("message_id"))
    is_own = message.author == state.bot
    if channel.is_dm and not is_own:
        raise Failure(403, 50003, "Cannot execute action on a DM channel")
    if not is_own and not in_channel(channel, state.bot) & Permission.MANAGE_MESSAGES:
        raise missing_permissions()
    remove(state, message)
    return NOTHING


def bulk_delete(state: State, call: Call) -> Answer:
    """POST /channels/{channel_id}/messages/bulk-delete."""
    channel = state.channel(call.id("channel_id"))
    if channel.is_dm:
        raise Failure(403, 50003, "Cannot execute action on a DM channel")
    require(channel, state.bot, Permission.MANAGE_MESSAGES)
    ids = [as_snowflake("messages", value) for value in call.form.get("messages") or []]
    if not BULK_LIMITS[0] <= len(ids) <= BULK_LIMITS[1]:
        raise Failure(400, 50016, "Provided too few or too many messages to delete.")
    remove_many(state, channel, ids)
    return NOTHING


def show_typing(state: State, call: Call) -> Answer:
    """POST /channels/{channel_id}/typing."""
    channel = state.channel(call.id("channel_id"))
    require(channel, state.bot, sending(channel))
    state.typing.append(Typing(state.snowflakes.next(), channel.id))
    state.bell.ring()
    return NOTHING


def open_dm(state: State, call: Call) -> Answer:
    """POST /users/@me/channels."""
    user = state.users.get(as_snowflake("recipient_id", call.form.get("recipient_id")))
    if user is None:
        raise unknown("User")
    if user == state.bot:
        raise Failure(400, 50007, "Cannot send messages to this user")
    return Answer(channel_json(state.dm_with(user)))


ROUTES: Routes = {
    ("POST", "/channels/{channel_id}/messages"): create,
    ("GET", "/channels/{channel_id}/messages"): history,
    ("POST", "/channels/{channel_id}/messages/bulk-delete"): bulk_delete,
    ("GET", "/channels/{channel_id}/messages/{message_id}"): fetch,
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): edit,
    ("DELETE", "/channels/{channel_id}/messages/{message_id}"): delete,
    ("POST", "/channels/{channel_id}/typing"): show_typing,
    ("POST", "/users/@me/channels"): open_dm,
}
