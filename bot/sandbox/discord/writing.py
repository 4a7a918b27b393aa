"""From a request's body to a message, with Discord's limits."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.discord.attaching import attachments_json
from bot.sandbox.discord.call import Call
from bot.sandbox.discord.failures import as_snowflake, check_length, empty_message, invalid_form
from bot.sandbox.discord.mentions import PARSE_ALL, check_allowed, pinged_users, pings_everyone
from bot.sandbox.discord.messages import REPLY, pinged_by_reply
from bot.sandbox.discord.model import JSON, Channel, Message, MessageFlag, Permission, User
from bot.sandbox.discord.permissions import in_channel
from bot.sandbox.discord.state import State

CONTENT_LIMIT = 2000
EMBEDS_LIMIT = 10
EMBED_TEXT_LIMIT = 6000
NONCE_LIMIT = 25


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes a message, and how: as itself, through a webhook, or in answer to a command."""

    author: User
    default_parse: tuple[str, ...] = PARSE_ALL
    type: int = 0
    webhook_id: int | None = None
    application_id: int | None = None
    interaction: JSON | None = None
    invoker: User | None = None


def compose(state: State, channel: Channel, sender: Sender, call: Call) -> Message:
    """A new message. Raises what Discord answers to a wrong form."""
    form = call.form
    content = _content(form.get("content"))
    reply_to_id = _reply_to(state, channel, form.get("message_reference"))
    message_id = state.snowflakes.next()
    message = Message(
        id=message_id,
        channel_id=channel.id,
        guild_id=channel.guild.id if channel.guild else None,
        author=sender.author,
        content=content,
        type=REPLY if reply_to_id else sender.type,
        flags=int(form.get("flags") or 0) & ~MessageFlag.LOADING,
        reply_to_id=reply_to_id,
        webhook_id=sender.webhook_id,
        application_id=sender.application_id,
        interaction=sender.interaction,
        invoker=sender.invoker,
        allowed_mentions=form.get("allowed_mentions"),
        nonce=_nonce(form.get("nonce")),
        embeds=_embeds(form.get("embeds")),
        components=tuple(form.get("components") or ()),
        attachments=attachments_json(channel.id, message_id, call.uploads),
    )
    _require_something(message)
    return _with_pings(state, channel, message, sender.default_parse)


def rewrite(state: State, channel: Channel, message: Message, call: Call) -> Message:
    """A message changed by an edit, which parses its mentions again."""
    form = call.form
    changed = message.changed(
        edited_at=state.now(),
        flags=message.flags & ~MessageFlag.LOADING,
        allowed_mentions=form.get("allowed_mentions"),
    )
    if "content" in form:
        changed = changed.changed(content=_content(form["content"]))
    if "embeds" in form:
        changed = changed.changed(embeds=_embeds(form["embeds"]))
    if "attachments" in form or call.uploads:
        changed = changed.changed(attachments=_kept(message, form.get("attachments"), call))
    if "components" in form:
        changed = changed.changed(components=tuple(form["components"] or ()))
    _require_something(changed)
    return _with_pings(state, channel, changed, PARSE_ALL)


def _kept(message: Message, listed: Any, call: Call) -> tuple[JSON, ...]:
    """Of the attachments only those that an edit lists stay; without a list all of them."""
    ids = {str(one.get("id")) for one in listed or []}
    kept = tuple(one for one in message.attachments if listed is None or one["id"] in ids)
    new_id = max([message.id, *(int(one["id"]) for one in message.attachments)]) + 1
    return kept + attachments_json(message.channel_id, new_id, call.uploads)


def _with_pings(state: State, channel: Channel, message: Message, default: tuple[str, ...]) -> Message:
    allowed = message.allowed_mentions
    check_allowed(allowed)
    may_ping = message.webhook_id or in_channel(channel, message.author) & Permission.MENTION_EVERYONE
    pinged = pinged_users(message.content, allowed, default) | pinged_by_reply(state, channel, message)
    return message.changed(
        pinged_ids=pinged,
        pings_everyone=bool(may_ping) and pings_everyone(message.content, allowed, default),
    )


def _content(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise invalid_form("content", "STRING_TYPE_CONVERT", 'Could not interpret "{}" as string.')
    text = str(value)
    check_length("content", text, 0, CONTENT_LIMIT)
    return text.strip()


def _nonce(value: Any) -> str | int | None:
    if isinstance(value, str):
        check_length("nonce", value, 0, NONCE_LIMIT)
    return value if isinstance(value, str | int) else None


def _embeds(value: Any) -> tuple[JSON, ...]:
    embeds = value or []
    if len(embeds) > EMBEDS_LIMIT:
        raise invalid_form("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {EMBEDS_LIMIT} or fewer in length.")
    if sum(len(text) for embed in embeds for text in _texts(embed)) > EMBED_TEXT_LIMIT:
        raise invalid_form(
            "embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_TEXT_LIMIT}"
        )
    for position, embed in enumerate(embeds):
        _check_embed(f"embeds.{position}", embed)
    return tuple({**embed, "type": "rich"} for embed in embeds)


def _texts(embed: JSON) -> Iterable[str]:
    yield str(embed.get("title") or "")
    yield str(embed.get("description") or "")
    yield str((embed.get("footer") or {}).get("text") or "")
    yield str((embed.get("author") or {}).get("name") or "")
    for field in embed.get("fields") or []:
        yield str(field.get("name") or "")
        yield str(field.get("value") or "")


def _check_embed(at: str, embed: JSON) -> None:
    check_length(f"{at}.title", str(embed.get("title") or ""), 0, 256)
    check_length(f"{at}.description", str(embed.get("description") or ""), 0, 4096)
    check_length(f"{at}.footer.text", str((embed.get("footer") or {}).get("text") or ""), 0, 2048)
    fields = embed.get("fields") or []
    if len(fields) > 25:  # noqa: PLR2004 - Discord's number of fields
        raise invalid_form(f"{at}.fields", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    for number, field in enumerate(fields):
        check_length(f"{at}.fields.{number}.name", str(field.get("name") or ""), 1, 256)
        check_length(f"{at}.fields.{number}.value", str(field.get("value") or ""), 1, 1024)


def _reply_to(state: State, channel: Channel, reference: Any) -> int | None:
    if not reference:
        return None
    message_id = as_snowflake("message_reference.message_id", reference.get("message_id"))
    original = state.messages[channel.id].get(message_id)
    if original is not None and not original.is_ephemeral:
        return message_id
    if reference.get("fail_if_not_exists", True):
        raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    return None


def _require_something(message: Message) -> None:
    if not (message.content or message.embeds or message.attachments or message.components):
        raise empty_message()
