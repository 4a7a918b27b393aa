"""What a user's client does with a command: find it, check it, send it to the bot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.discord.interacting import AUTOCOMPLETE, COMMAND, begin, tell
from bot.sandbox.discord.interaction import Interaction
from bot.sandbox.discord.messages import message_json
from bot.sandbox.discord.model import JSON, Channel, Message, Permission, User
from bot.sandbox.discord.payloads import member_json, user_json
from bot.sandbox.discord.permissions import in_channel, in_guild
from bot.sandbox.discord.state import State

SLASH_COMMAND = 1
MESSAGE_COMMAND = 3
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
    focused: str | None = None


def invoke(state: State, given: Invocation) -> Interaction:
    """Send a command to the bot. Raises CommandNotShownError where a user could not even choose it."""
    user, channel = given.user, given.channel
    command = _shown_command(state, user, channel, given.name.split()[0], SLASH_COMMAND)
    options = _chosen(command, given)
    interaction = begin(state, user, channel, AUTOCOMPLETE if given.focused else COMMAND)
    data: JSON = {"id": command["id"], "name": command["name"], "type": SLASH_COMMAND, "options": options}
    tell(state, interaction, data | _resolved(channel, given.options))
    return interaction


def invoke_on(state: State, user: User, message: Message, name: str) -> Interaction:
    """Send a command from a message's context menu. Raises CommandNotShownError as above."""
    channel = state.channels[message.channel_id]
    command = _shown_command(state, user, channel, name, MESSAGE_COMMAND)
    target = state.messages[channel.id].get(message.id)
    if target is None or target.is_ephemeral:
        raise CommandNotShownError("a message that is gone or ephemeral has no such menu")
    interaction = begin(state, user, channel, COMMAND)
    interaction.target_id = target.id
    # The bot sees what a menu was opened on, whatever its intents.
    resolved = {"messages": {str(target.id): message_json(state, target)}}
    data: JSON = {"id": command["id"], "name": command["name"], "type": MESSAGE_COMMAND, "target_id": str(target.id)}
    tell(state, interaction, {**data, "resolved": resolved})
    return interaction


def _chosen(command: JSON, given: Invocation) -> list[JSON]:
    leaf, path = _descend(command, given.name.split()[1:])
    filled = _filled(leaf.get("options") or [], given.options, given.focused)
    for step in reversed(path):
        filled = [{**step, "options": filled}]
    return filled


def _shown_command(state: State, user: User, channel: Channel, name: str, kind: int) -> JSON:
    guild_id = channel.guild.id if channel.guild else None
    known = [*(state.commands.get(guild_id) or [] if guild_id else []), *(state.commands.get(None) or [])]
    command = next((c for c in known if c["name"] == name and c["type"] == kind), None)
    if command is None:
        offered = sorted(c["name"] for c in known if c["type"] == kind)
        raise CommandNotShownError(f"no command {name} of this kind is registered; there are {offered}")
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
