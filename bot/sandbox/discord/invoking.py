"""What a user's client does with a slash command or a button: find it, check it, send it to the bot."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.discord import intents
from bot.sandbox.discord.interaction import Interaction
from bot.sandbox.discord.messages import rest_json
from bot.sandbox.discord.model import JSON, Channel, Message, Permission, User
from bot.sandbox.discord.payloads import ATTACHMENT_LIMIT_BYTES, channel_json, member_json, user_json
from bot.sandbox.discord.permissions import in_channel, in_guild
from bot.sandbox.discord.state import Event, State

COMMAND = 2
COMPONENT = 3
AUTOCOMPLETE = 4
BUTTON = 2
SUBCOMMAND = 1
GROUP = 2
USER_OPTION = 6
CHANNEL_OPTION = 7
KINDS: dict[int, type | tuple[type, ...]] = {3: str, 4: int, 5: bool, 6: User, 7: Channel, 10: (int, float)}
"""Which Python value each type of option takes."""


class CommandNotShownError(Exception):
    """Discord would not offer this command to this user here, or not with these options."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command as a user gives it: a subcommand's name has a space, `focused` is the option being typed."""

    user: User
    channel: Channel
    name: str
    options: Mapping[str, Any]
    type: int = COMMAND
    focused: str | None = None


def invoke(state: State, given: Invocation, deadline_seconds: float) -> Interaction:
    """Send a command to the bot. Raises CommandNotShownError where a user could not even choose it."""
    user, channel = given.user, given.channel
    command = _shown_command(state, user, channel, given.name.split()[0])
    interaction = Interaction(
        state.snowflakes.next(), secrets.token_urlsafe(48), user, channel, given.type, deadline_seconds
    )
    state.interactions[interaction.token] = interaction
    data: JSON = {"id": command["id"], "name": command["name"], "type": 1, "options": _chosen(command, given)}
    data |= _resolved(channel, given.options)
    guild_id = channel.guild.id if channel.guild else None
    state.emit(Event("INTERACTION_CREATE", _interaction_json(state, interaction, data), intents.NONE_NEEDED, guild_id))
    return interaction


def press(state: State, user: User, message: Message, label: str, deadline_seconds: float) -> Interaction:
    """Send a press of a button to the bot. Raises CommandNotShownError where the user could not press it."""
    message = state.messages[message.channel_id].get(message.id, message.changed(components=()))
    if message.is_ephemeral and message.invoker != user:
        raise CommandNotShownError(f"{user.name} does not see this message")
    sent = rest_json(state, message)
    buttons = [b for row in sent["components"] for b in row["components"] if b["type"] == BUTTON]
    button = next((b for b in buttons if b.get("label") == label and not b.get("disabled")), None)
    if button is None:
        raise CommandNotShownError(f"there is no button {label}, only {[b.get('label') for b in buttons]}")
    channel = state.channels[message.channel_id]
    interaction = Interaction(
        state.snowflakes.next(), secrets.token_urlsafe(48), user, channel, COMPONENT, deadline_seconds
    )
    interaction.pressed_on_id = message.id
    state.interactions[interaction.token] = interaction
    data: JSON = {"custom_id": button["custom_id"], "component_type": BUTTON, "id": button["id"]}
    event = _interaction_json(state, interaction, data) | {"message": sent}
    guild_id = channel.guild.id if channel.guild else None
    state.emit(Event("INTERACTION_CREATE", event, intents.NONE_NEEDED, guild_id))
    return interaction


def _chosen(command: JSON, given: Invocation) -> list[JSON]:
    leaf, path = _descend(command, given.name.split()[1:])
    filled = _filled(leaf.get("options") or [], given.options, given.focused)
    for step in reversed(path):
        filled = [{**step, "options": filled}]
    return filled


def _shown_command(state: State, user: User, channel: Channel, name: str) -> JSON:
    guild_id = channel.guild.id if channel.guild else None
    known = [*(state.commands.get(guild_id) or [] if guild_id else []), *(state.commands.get(None) or [])]
    command = next((c for c in known if c["name"] == name and c["type"] == 1), None)
    if command is None:
        raise CommandNotShownError(f"no command /{name} is registered; there are {sorted(c['name'] for c in known)}")
    _check_context(command, channel)
    if channel.guild is not None:
        _check_permissions(command, user, channel)
    return command


def _check_context(command: JSON, channel: Channel) -> None:
    contexts = command.get("contexts")
    is_hidden = (1 if channel.is_dm else 0) not in contexts if contexts else False
    if is_hidden or (channel.is_dm and command.get("dm_permission") is False):
        raise CommandNotShownError(f"/{command['name']} is not offered in this kind of channel")
    if command.get("nsfw") and not channel.is_dm and not channel.is_nsfw:
        raise CommandNotShownError(f"/{command['name']} is age-restricted")


def _check_permissions(command: JSON, user: User, channel: Channel) -> None:
    granted = in_channel(channel, user)
    if not granted & Permission.USE_APPLICATION_COMMANDS:
        raise CommandNotShownError(f"{user.name} may not use commands here")
    needed = command.get("default_member_permissions")
    if needed is None or granted & Permission.ADMINISTRATOR:
        return
    if needed == "0" or int(needed) & ~int(granted):
        raise CommandNotShownError(f"{user.name} lacks the permissions that /{command['name']} asks for")


def _descend(command: JSON, names: list[str]) -> tuple[JSON, list[JSON]]:
    node, path = command, []
    for name in names:
        children = [o for o in node.get("options") or [] if o["type"] in (SUBCOMMAND, GROUP)]
        found = next((o for o in children if o["name"] == name), None)
        if found is None:
            raise CommandNotShownError(f"/{command['name']} has no {name}, only {[o['name'] for o in children]}")
        node = found
        path.append({"name": name, "type": found["type"]})
    if any(o["type"] in (SUBCOMMAND, GROUP) for o in node.get("options") or []):
        raise CommandNotShownError(f"/{command['name']} needs one of its subcommands")
    return node, path


def _filled(declared: list[JSON], options: Mapping[str, Any], focused: str | None) -> list[JSON]:
    unknown = set(options) - {option["name"] for option in declared}
    if unknown:
        raise CommandNotShownError(f"no such options: {sorted(unknown)}")
    missing = [o["name"] for o in declared if o.get("required") and o["name"] not in options]
    if missing and focused is None:
        raise CommandNotShownError(f"options are missing: {missing}")
    return [_fill(o, options[o["name"]], o["name"] == focused) for o in declared if o["name"] in options]


def _fill(option: JSON, value: Any, is_focused: bool) -> JSON:
    if not isinstance(value, KINDS.get(option["type"], object)):
        raise CommandNotShownError(f"{option['name']} does not take {value!r}")
    if isinstance(value, str):
        _check_text(option, value)
    sent = str(value.id) if isinstance(value, User | Channel) else value
    filled = {"name": option["name"], "type": option["type"], "value": sent}
    return {**filled, "focused": True} if is_focused else filled


def _check_text(option: JSON, value: str) -> None:
    longest, shortest = option.get("max_length", 6000), option.get("min_length", 0)
    if not shortest <= len(value) <= longest:
        raise CommandNotShownError(f"{option['name']} takes {shortest} to {longest} characters")
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise CommandNotShownError(f"{option['name']} takes one of {choices}")


def _resolved(channel: Channel, options: Mapping[str, Any]) -> JSON:
    users = [value for value in options.values() if isinstance(value, User)]
    if not users:
        return {}
    resolved: JSON = {"users": {str(user.id): user_json(user) for user in users}}
    if channel.guild is not None:
        members = [channel.guild.members[user.id] for user in users if user.id in channel.guild.members]
        resolved["members"] = {
            str(member.user.id): {
                **{k: v for k, v in member_json(member).items() if k not in ("user", "mute", "deaf")},
                "permissions": str(int(in_guild(channel.guild, member.user))),
            }
            for member in members
        }
    return {"resolved": resolved}


def _interaction_json(state: State, interaction: Interaction, data: JSON) -> JSON:
    channel, user = interaction.channel, interaction.user
    shared: JSON = {
        "id": str(interaction.id),
        "application_id": str(state.application_id),
        "type": interaction.type,
        "token": interaction.token,
        "version": 1,
        "data": data,
        "channel_id": str(channel.id),
        "channel": {**channel_json(channel), "permissions": str(int(in_channel(channel, user)))},
        "app_permissions": str(int(in_channel(channel, state.bot))),
        "locale": "en-US",
        "entitlements": [],
        "entitlement_sku_ids": [],
        "attachment_size_limit": ATTACHMENT_LIMIT_BYTES,
    }
    if channel.guild is None:
        return {**shared, "user": user_json(user), "context": 1, "authorizing_integration_owners": {"1": str(user.id)}}
    member = member_json(channel.guild.members[user.id])
    return {
        **shared,
        "guild_id": str(channel.guild.id),
        "guild": {"id": str(channel.guild.id), "locale": "en-US", "features": []},
        "guild_locale": "en-US",
        "member": {**member, "permissions": str(int(in_channel(channel, user)))},
        "context": 0,
        "authorizing_integration_owners": {"0": str(channel.guild.id)},
    }
