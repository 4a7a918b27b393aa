"""Modals: the forms that the bot shows a user, checked as Discord does, and filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.discord.failures import check_length, invalid_form
from bot.sandbox.discord.model import JSON

ROW = 1
SELECT = 3
TEXT_INPUT = 4
TEXT = 10
LABEL = 18
COMPONENTS_LIMIT = 5
TEXT_LIMIT = 4000


class ModalError(Exception):
    """Discord's client would not send the form like this."""


@dataclass(frozen=True, slots=True)
class Modal:
    """A form as the user sees it."""

    custom_id: str
    title: str
    components: tuple[JSON, ...]
    interaction_id: int

    @property
    def labels(self) -> list[str]:
        """What stands above its fields, in their order."""
        return [label for label, _ in _fields(self.components)]

    def filled(self, values: Mapping[str, str]) -> list[JSON]:
        """The form's components as they are sent, with these values by label or custom id. Raises ModalError."""
        known = {name for label, field in _fields(self.components) for name in (label, field["custom_id"])}
        if unknown := set(values) - known:
            raise ModalError(f"the form has no fields {sorted(unknown)}, only {sorted(known)}")
        return [_filled(number, one, values) for number, one in enumerate(self.components)]


def modal_from(data: JSON, interaction_id: int) -> Modal:
    """The form of a callback. Raises what Discord answers to a wrong one."""
    components = data.get("components") or []
    check_length("data.custom_id", str(data.get("custom_id") or ""), 1, 100)
    check_length("data.title", str(data.get("title") or ""), 1, 45)
    if not 1 <= len(components) <= COMPONENTS_LIMIT:
        raise invalid_form("data.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    for position, one in enumerate(components):
        _check(f"data.components.{position}", one)
    ids = [field["custom_id"] for _, field in _fields(components)]
    if len(set(ids)) < len(ids):
        raise invalid_form(
            "data.components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        )
    return Modal(data["custom_id"], data["title"], tuple(components), interaction_id)


def _fields(components: tuple[JSON, ...] | list[JSON]) -> Iterator[tuple[str, JSON]]:
    for one in components:
        if one["type"] == LABEL:
            yield one["label"], one["component"]
        for inner in one.get("components", ()):
            yield inner.get("label", ""), inner


def _check(at: str, component: JSON) -> None:
    if component["type"] == LABEL:
        check_length(f"{at}.label", str(component.get("label") or ""), 1, 45)
        check_length(f"{at}.description", str(component.get("description") or ""), 0, 100)
        _check_field(f"{at}.component", component["component"])
    elif component["type"] == ROW:
        for inner in component["components"]:
            check_length(f"{at}.components.0.label", str(inner.get("label") or ""), 1, 45)
            _check_field(f"{at}.components.0", inner)
    elif component["type"] != TEXT:
        raise invalid_form(f"{at}.type", "BASE_TYPE_CHOICES", 'Value of field "type" must be one of (1, 10, 18).')


def _check_field(at: str, field: JSON) -> None:
    check_length(f"{at}.custom_id", str(field.get("custom_id") or ""), 1, 100)
    check_length(f"{at}.placeholder", str(field.get("placeholder") or ""), 0, 100)
    check_length(f"{at}.value", str(field.get("value") or ""), 0, TEXT_LIMIT)


def _filled(number: int, component: JSON, values: Mapping[str, str]) -> JSON:
    sent: JSON = {"type": component["type"], "id": 2 * number + 1}
    if component["type"] == LABEL:
        return {**sent, "component": _value(2 * number + 2, component["label"], component["component"], values)}
    if component["type"] == ROW:
        inner = component["components"][0]
        return {**sent, "components": [_value(2 * number + 2, inner.get("label", ""), inner, values)]}
    return sent


def _value(number: int, label: str, field: JSON, values: Mapping[str, str]) -> JSON:
    given: Any = values.get(field["custom_id"], values.get(label, field.get("value") or ""))
    sent = {"type": field["type"], "id": number, "custom_id": field["custom_id"]}
    if field["type"] == SELECT:
        return {**sent, "values": [given] if given else []}
    if field["type"] != TEXT_INPUT:
        raise ModalError(f"a field of type {field['type']} can't be filled in here yet")
    shortest = max(field.get("min_length") or 0, 0 if field.get("required") is False else 1)
    longest = field.get("max_length") or TEXT_LIMIT
    if not (shortest <= len(given) <= longest or (not given and field.get("required") is False)):
        raise ModalError(f"{label} takes {shortest} to {longest} characters")
    return {**sent, "value": given}
