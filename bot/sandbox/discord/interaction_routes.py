"""Answering a command, a button or a form: the callback within its deadline, the original answer, follow-ups."""

from bot.sandbox.discord import interacting
from bot.sandbox.discord.call import NOTHING, Answer, Call, Routes
from bot.sandbox.discord.failures import Failure, check_length, invalid_form, invalid_webhook_token, unknown
from bot.sandbox.discord.interaction import Interaction
from bot.sandbox.discord.mentions import PARSE_USERS
from bot.sandbox.discord.messages import COMMAND, REPLY, publish, remove, replace, rest_json
from bot.sandbox.discord.modals import modal_from
from bot.sandbox.discord.model import JSON, Channel, Message, MessageFlag
from bot.sandbox.discord.state import State
from bot.sandbox.discord.writing import Sender, compose, rewrite

MESSAGE = 4
DEFERRED = 5
DEFERRED_UPDATE = 6
UPDATE = 7
AUTOCOMPLETE = 8
MODAL = 9
CHOICES_LIMIT = 25
CHOICE_LENGTH = 100
SUPPORTED = {
    interacting.COMMAND: (MESSAGE, DEFERRED, MODAL),
    interacting.COMPONENT: (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, MODAL),
    interacting.AUTOCOMPLETE: (AUTOCOMPLETE,),
    interacting.MODAL_SUBMIT: (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE),
}
"""Which callbacks each kind of interaction takes."""


def callback(state: State, call: Call) -> Answer:
    """POST /interactions/{interaction_id}/{interaction_token}/callback."""
    interaction = state.interactions.get(call.parameters["interaction_token"])
    if interaction is None or interaction.id != call.id("interaction_id") or interaction.is_late:
        raise unknown("Interaction")
    if interaction.answered_with is not None:
        raise Failure(400, 40060, "Interaction has already been acknowledged.")
    kind = call.form.get("type")
    supported = SUPPORTED[interaction.type]
    if kind not in supported:
        raise invalid_form("type", "BASE_TYPE_CHOICES", f"Value must be one of {supported}.")
    message = _take(state, interaction, call, kind)
    interaction.answered_with = kind
    state.bell.ring()
    return Answer(_callback_json(state, interaction, message)) if call.flag("with_response") else NOTHING


def _take(state: State, interaction: Interaction, call: Call, kind: int) -> Message | None:
    data = call.form.get("data") or {}
    if kind == AUTOCOMPLETE:
        interaction.choices = _checked_choices(data.get("choices") or [])
        return None
    if kind == MODAL:
        interaction.modal = modal_from(data, interaction.id)
        return None
    if kind == DEFERRED_UPDATE and interaction.pressed_on_id is None:
        return None  # the form of a command closes, and that is all
    if kind == DEFERRED:
        return _publish(state, interaction, _loading(state, interaction, int(data.get("flags") or 0)))
    inner = Call(call.parameters, call.query, data, call.uploads)
    if kind in (DEFERRED_UPDATE, UPDATE):
        return _update(state, interaction, inner if kind == UPDATE else None)
    message = compose(state, interaction.channel, _sender(state, interaction, COMMAND), inner)
    return _publish(state, interaction, message)


def _update(state: State, interaction: Interaction, call: Call | None) -> Message:
    """The message with the button becomes the original answer, changed or not."""
    message = state.messages[interaction.channel.id].get(interaction.pressed_on_id or 0)
    if message is None:
        raise unknown("Message")
    interaction.original_id = message.id
    interaction.message_ids.append(message.id)
    return message if call is None else replace(state, rewrite(state, interaction.channel, message, call))


def _checked_choices(choices: list[JSON]) -> list[JSON]:
    if len(choices) > CHOICES_LIMIT:
        raise invalid_form("data.choices", "BASE_TYPE_MAX_LENGTH", f"Must be {CHOICES_LIMIT} or fewer in length.")
    for position, choice in enumerate(choices):
        for key in ("name", "value"):
            check_length(f"data.choices.{position}.{key}", str(choice[key]), 1, CHOICE_LENGTH)
    return choices


def _sender(state: State, interaction: Interaction, kind: int) -> Sender:
    return Sender(
        state.bot,
        PARSE_USERS,
        type=kind,
        webhook_id=state.application_id,
        application_id=state.application_id,
        interaction=interaction.metadata(),
        invoker=interaction.user,
    )


def _loading(state: State, interaction: Interaction, flags: int) -> Message:
    channel = interaction.channel
    return Message(
        id=state.snowflakes.next(),
        channel_id=channel.id,
        guild_id=channel.guild.id if channel.guild else None,
        author=state.bot,
        content="",
        type=COMMAND,
        flags=MessageFlag.LOADING | (flags & MessageFlag.EPHEMERAL),
        webhook_id=state.application_id,
        application_id=state.application_id,
        interaction=interaction.metadata(),
        invoker=interaction.user,
    )


def _publish(state: State, interaction: Interaction, message: Message) -> Message:
    interaction.message_ids.append(message.id)
    interaction.original_id = interaction.original_id or message.id
    return publish(state, message)


def _callback_json(state: State, interaction: Interaction, message: Message | None) -> JSON:
    about = {"id": str(interaction.id), "type": interaction.type, "channel_id": str(interaction.channel.id)}
    if interaction.channel.guild:
        about["guild_id"] = str(interaction.channel.guild.id)
    if message is None:
        return {"interaction": about}
    about |= {
        "response_message_id": str(message.id),
        "response_message_loading": message.is_loading,
        "response_message_ephemeral": message.is_ephemeral,
    }
    if message.is_loading or interaction.answered_with == DEFERRED_UPDATE:
        return {"interaction": about}
    return {"interaction": about, "resource": {"type": interaction.answered_with, "message": rest_json(state, message)}}


def _by_token(state: State, call: Call) -> Interaction:
    interaction = state.interactions.get(call.parameters["webhook_token"])
    if interaction is None or interaction.is_over or call.id("webhook_id") != state.application_id:
        raise invalid_webhook_token()
    if interaction.answered_with is None:
        raise unknown("Webhook")
    return interaction


def follow_up(state: State, call: Call) -> Answer:
    """POST /webhooks/{application_id}/{interaction_token}: the first one after a deferral takes its place."""
    interaction = _by_token(state, call)
    message = compose(state, interaction.channel, _sender(state, interaction, REPLY), call)
    waiting = state.messages[interaction.channel.id].get(interaction.original_id or 0)
    if waiting is not None and waiting.is_loading:
        flags = message.flags & ~MessageFlag.EPHEMERAL | waiting.flags & MessageFlag.EPHEMERAL
        return Answer(rest_json(state, replace(state, message.changed(id=waiting.id, type=COMMAND, flags=flags))))
    message = message.changed(reply_to_id=interaction.original_id)
    return Answer(rest_json(state, _publish(state, interaction, message)))


def followed_up(state: State, call: Call) -> tuple[Channel, Message]:
    """A message that an interaction made; ephemeral ones are reachable this way alone."""
    interaction = _by_token(state, call)
    wanted = call.parameters.get("message_id", "@original")
    message_id = interaction.original_id if wanted == "@original" else call.id("message_id")
    message = state.messages[interaction.channel.id].get(message_id or 0)
    if message is None or message.id not in interaction.message_ids:
        raise unknown("Message")
    return interaction.channel, message


def fetch_original(state: State, call: Call) -> Answer:
    """GET …/messages/@original."""
    return Answer(rest_json(state, followed_up(state, call)[1]))


def edit_original(state: State, call: Call) -> Answer:
    """PATCH …/messages/@original: also ends a deferral."""
    channel, message = followed_up(state, call)
    return Answer(rest_json(state, replace(state, rewrite(state, channel, message, call))))


def delete_original(state: State, call: Call) -> Answer:
    """DELETE …/messages/@original."""
    remove(state, followed_up(state, call)[1])
    return NOTHING


ORIGINAL = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
ROUTES: Routes = {
    ("POST", "/interactions/{interaction_id}/{interaction_token}/callback"): callback,
    ("GET", ORIGINAL): fetch_original,
    ("PATCH", ORIGINAL): edit_original,
    ("DELETE", ORIGINAL): delete_original,
}
