"""Webhooks: make, list, delete, speak through, change what was said. Interaction tokens speak here too."""

import secrets
from dataclasses import replace as changed
from typing import Any

from bot.sandbox.discord import intents
from bot.sandbox.discord.call import NOTHING, Answer, Call, Routes
from bot.sandbox.discord.failures import (
    Failure,
    as_snowflake,
    check_length,
    invalid_form,
    invalid_webhook_token,
    unknown,
)
from bot.sandbox.discord.interaction_routes import follow_up, followed_up
from bot.sandbox.discord.mentions import PARSE_USERS
from bot.sandbox.discord.messages import publish, remove, replace, rest_json, webhook_face
from bot.sandbox.discord.model import Channel, Message, Permission, Webhook
from bot.sandbox.discord.payloads import avatar_hash, webhook_json
from bot.sandbox.discord.permissions import require, require_open
from bot.sandbox.discord.state import Event, State
from bot.sandbox.discord.writing import Sender, compose, rewrite

WEBHOOKS_LIMIT = 15
NAME_LIMITS = (1, 80)
FORBIDDEN_WORDS = ("clyde", "discord")


def check_name(field: str, name: Any) -> str:
    """Refuse a name that Discord refuses."""
    text = str(name or "").strip()
    check_length(field, text, *NAME_LIMITS)
    for word in FORBIDDEN_WORDS:
        if word in text.lower():
            raise invalid_form(field, "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{word}"')
    return text


def create(state: State, call: Call) -> Answer:
    """POST /channels/{channel_id}/webhooks."""
    channel = _webhook_channel(state, call)
    name = check_name("name", call.form.get("name"))
    if len(state.webhooks_of(channel)) >= WEBHOOKS_LIMIT:
        raise Failure(400, 30007, f"Maximum number of webhooks reached ({WEBHOOKS_LIMIT})")
    assert channel.guild is not None  # noqa: S101 - direct messages were refused
    webhook = Webhook(
        id=state.snowflakes.next(),
        channel_id=channel.id,
        guild_id=channel.guild.id,
        name=name,
        token=secrets.token_urlsafe(51),
        creator=state.bot,
        avatar=avatar_hash(call.form.get("avatar")),
        application_id=state.application_id,
    )
    state.webhooks[webhook.id] = webhook
    tell_of_webhooks(state, channel)
    return Answer(webhook_json(webhook))


def _webhook_channel(state: State, call: Call) -> Channel:
    channel = state.channel(call.id("channel_id"))
    if channel.is_dm:
        raise Failure(400, 50003, "Cannot execute action on a DM channel")
    require(channel, state.bot, Permission.MANAGE_WEBHOOKS)
    if channel.is_thread:
        raise Failure(400, 50024, "Cannot execute action on this channel type")
    return channel


def tell_of_webhooks(state: State, channel: Channel) -> None:
    """Tell the bot that a channel's webhooks changed, as Discord does: not which."""
    assert channel.guild is not None  # noqa: S101 - only guild channels have webhooks
    data = {"guild_id": str(channel.guild.id), "channel_id": str(channel.id)}
    state.emit(Event("WEBHOOKS_UPDATE", data, intents.GUILD_WEBHOOKS, channel.guild.id))
    state.bell.ring()


def list_of_channel(state: State, call: Call) -> Answer:
    """GET /channels/{channel_id}/webhooks."""
    return Answer([webhook_json(webhook) for webhook in state.webhooks_of(_webhook_channel(state, call))])


def list_of_guild(state: State, call: Call) -> Answer:
    """GET /guilds/{guild_id}/webhooks."""
    guild = state.guild(call.id("guild_id"))
    return Answer([webhook_json(webhook) for webhook in state.webhooks.values() if webhook.guild_id == guild.id])


def _managed(state: State, call: Call) -> Webhook:
    webhook = state.webhooks.get(call.id("webhook_id"))
    if webhook is None:
        raise unknown("Webhook")
    require(state.channel(webhook.channel_id), state.bot, Permission.MANAGE_WEBHOOKS)
    return webhook


def _own(state: State, call: Call) -> Webhook:
    webhook = state.webhooks.get(call.id("webhook_id"))
    if webhook is None:
        raise unknown("Webhook")
    if not secrets.compare_digest(webhook.token.encode(), call.parameters["webhook_token"].encode()):
        raise invalid_webhook_token()
    return webhook


def _is_interaction(state: State, call: Call) -> bool:
    return call.id("webhook_id") == state.application_id


def fetch(state: State, call: Call) -> Answer:
    """GET /webhooks/{webhook_id}."""
    return Answer(webhook_json(_managed(state, call)))


def fetch_by_token(state: State, call: Call) -> Answer:
    """GET /webhooks/{webhook_id}/{webhook_token}."""
    return Answer(webhook_json(_own(state, call), with_user=False))


def _rename(state: State, webhook: Webhook, call: Call) -> Webhook:
    if "name" in call.form:
        webhook = changed(webhook, name=check_name("name", call.form["name"]))
    state.webhooks[webhook.id] = webhook
    tell_of_webhooks(state, state.channels[webhook.channel_id])
    return webhook


def edit(state: State, call: Call) -> Answer:
    """PATCH /webhooks/{webhook_id}."""
    return Answer(webhook_json(_rename(state, _managed(state, call), call)))


def edit_by_token(state: State, call: Call) -> Answer:
    """PATCH /webhooks/{webhook_id}/{webhook_token}."""
    return Answer(webhook_json(_rename(state, _own(state, call), call), with_user=False))


def remove_webhook(state: State, webhook: Webhook) -> None:
    """Delete a webhook; its messages stay."""
    del state.webhooks[webhook.id]
    tell_of_webhooks(state, state.channels[webhook.channel_id])


def delete(state: State, call: Call) -> Answer:
    """DELETE /webhooks/{webhook_id}."""
    remove_webhook(state, _managed(state, call))
    return NOTHING


def delete_by_token(state: State, call: Call) -> Answer:
    """DELETE /webhooks/{webhook_id}/{webhook_token}."""
    remove_webhook(state, _own(state, call))
    return NOTHING


def execute(state: State, call: Call) -> Answer:
    """POST /webhooks/{webhook_id}/{webhook_token}: speak; without wait=1 nothing comes back."""
    if _is_interaction(state, call):
        return follow_up(state, call)
    webhook = _own(state, call)
    channel = _target(state, webhook, call)
    require_open(channel, state.bot)
    name = check_name("username", call.form["username"]) if call.form.get("username") is not None else webhook.name
    sender = Sender(
        webhook_face(webhook.id, name, call.form.get("avatar_url")),
        PARSE_USERS,
        webhook_id=webhook.id,
        application_id=webhook.application_id,
    )
    message = publish(state, compose(state, channel, sender, call))
    return Answer(rest_json(state, message)) if call.flag("wait") else NOTHING


def _target(state: State, webhook: Webhook, call: Call) -> Channel:
    channel = state.channel(webhook.channel_id)
    if "thread_id" not in call.query:
        if channel.is_forum:
            raise Failure(400, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id")
        return channel
    thread = state.channels.get(as_snowflake("thread_id", call.query["thread_id"]))
    if thread is None or thread.parent is not channel:
        raise unknown("Channel")
    return thread


def _said(state: State, call: Call) -> tuple[Channel, Message]:
    if _is_interaction(state, call):
        return followed_up(state, call)
    webhook = _own(state, call)
    channel = _target(state, webhook, call)
    message = state.message(channel.id, call.id("message_id"))
    if message.webhook_id != webhook.id:
        raise unknown("Message")
    return channel, message


def fetch_message(state: State, call: Call) -> Answer:
    """GET /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}."""
    return Answer(rest_json(state, _said(state, call)[1]))


def edit_message(state: State, call: Call) -> Answer:
    """PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}."""
    channel, message = _said(state, call)
    return Answer(rest_json(state, replace(state, rewrite(state, channel, message, call))))


def delete_message(state: State, call: Call) -> Answer:
    """DELETE /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}."""
    remove(state, _said(state, call)[1])
    return NOTHING


BY_TOKEN = "/webhooks/{webhook_id}/{webhook_token}"  # noqa: S105 - a route, not a token
ROUTES: Routes = {
    ("POST", "/channels/{channel_id}/webhooks"): create,
    ("GET", "/channels/{channel_id}/webhooks"): list_of_channel,
    ("GET", "/guilds/{guild_id}/webhooks"): list_of_guild,
    ("GET", "/webhooks/{webhook_id}"): fetch,
    ("PATCH", "/webhooks/{webhook_id}"): edit,
    ("DELETE", "/webhooks/{webhook_id}"): delete,
    ("GET", BY_TOKEN): fetch_by_token,
    ("PATCH", BY_TOKEN): edit_by_token,
    ("DELETE", BY_TOKEN): delete_by_token,
    ("POST", BY_TOKEN): execute,
    ("GET", BY_TOKEN + "/messages/{message_id}"): fetch_message,
    ("PATCH", BY_TOKEN + "/messages/{message_id}"): edit_message,
    ("DELETE", BY_TOKEN + "/messages/{message_id}"): delete_message,
}
