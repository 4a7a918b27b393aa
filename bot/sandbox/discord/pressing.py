"""What a user's client does with the components of messages and forms: press, choose, fill in."""

from collections.abc import Iterator, Mapping, Sequence

from bot.sandbox.discord.interacting import COMPONENT, MODAL_SUBMIT, begin, tell
from bot.sandbox.discord.interaction import Interaction
from bot.sandbox.discord.invoking import CommandNotShownError
from bot.sandbox.discord.messages import rest_json
from bot.sandbox.discord.modals import Modal
from bot.sandbox.discord.model import JSON, Message, User
from bot.sandbox.discord.permissions import in_channel
from bot.sandbox.discord.state import State

BUTTON = 2
STRING_SELECT = 3
LINK_STYLE = 5


def press(state: State, user: User, message: Message, label: str) -> Interaction:
    """Send a press of a button, named by its label or emoji. Raises CommandNotShownError where there is none."""
    sent = _seen(state, user, message)
    buttons = [one for one in _parts(sent["components"]) if one["type"] == BUTTON]
    button = next((one for one in buttons if label in _names(one) and _is_usable(one)), None)
    if button is None:
        raise CommandNotShownError(f"there is no button {label}, only {[_names(one) for one in buttons]}")
    return _use(state, user, sent, {"custom_id": button["custom_id"], "component_type": BUTTON, "id": button["id"]})


def choose(state: State, user: User, message: Message, values: Sequence[str]) -> Interaction:
    """Send a choice from the message's select menu, by the options' labels. Raises CommandNotShownError."""
    sent = _seen(state, user, message)
    menu = next((one for one in _parts(sent["components"]) if one["type"] == STRING_SELECT and _is_usable(one)), None)
    offered = {option["label"]: option["value"] for option in (menu or {}).get("options", [])}
    if menu is None or not set(values) <= set(offered):
        raise CommandNotShownError(f"there is no menu with {values}, only {list(offered)}")
    chosen = [offered[value] for value in values]
    data = {"custom_id": menu["custom_id"], "component_type": STRING_SELECT, "id": menu["id"], "values": chosen}
    return _use(state, user, sent, data)


def submit(state: State, user: User, modal: Modal, values: Mapping[str, str]) -> Interaction:
    """Send a form that the bot showed this user. Raises CommandNotShownError or ModalError."""
    opened_by = next(one for one in state.interactions.values() if one.id == modal.interaction_id)
    if opened_by.user != user:
        raise CommandNotShownError(f"{user.name} does not see this form")
    interaction = begin(state, user, opened_by.channel, MODAL_SUBMIT)
    interaction.opened_by, interaction.pressed_on_id = opened_by, opened_by.pressed_on_id
    message = state.messages[opened_by.channel.id].get(opened_by.pressed_on_id or 0)
    sent = None if message is None else rest_json(state, message)
    tell(state, interaction, {"custom_id": modal.custom_id, "components": modal.filled(values)}, sent)
    return interaction


def _seen(state: State, user: User, message: Message) -> JSON:
    message = state.messages[message.channel_id].get(message.id, message.changed(components=()))
    if message.is_ephemeral and message.invoker != user:
        raise CommandNotShownError(f"{user.name} does not see this message")
    if not in_channel(state.channels[message.channel_id], user):
        raise CommandNotShownError(f"{user.name} does not see this channel")
    return rest_json(state, message)


def _use(state: State, user: User, sent: JSON, data: JSON) -> Interaction:
    interaction = begin(state, user, state.channels[int(sent["channel_id"])], COMPONENT)
    interaction.pressed_on_id = int(sent["id"])
    tell(state, interaction, data, sent)
    return interaction


def _parts(components: Sequence[JSON]) -> Iterator[JSON]:
    """All components, whatever they lie in."""
    for one in components:
        yield one
        yield from _parts(one.get("components", ()))
        yield from _parts([one["accessory"]] if "accessory" in one else ())


def _names(button: JSON) -> list[str]:
    return [name for name in (button.get("label"), (button.get("emoji") or {}).get("name")) if name]


def _is_usable(component: JSON) -> bool:
    return not component.get("disabled") and component.get("style") != LINK_STYLE
