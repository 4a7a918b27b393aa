"""The application: what it is, its commands, and where its gateway is."""

import re
from typing import Any

from bot.sandbox.discord.call import NOTHING, Answer, Call, Routes, require_me
from bot.sandbox.discord.failures import Failure, bad_json, check_length, invalid_form, unknown
from bot.sandbox.discord.intents import application_flags
from bot.sandbox.discord.model import JSON
from bot.sandbox.discord.payloads import user_json
from bot.sandbox.discord.state import State

COMMANDS_LIMIT = 100
OPTIONS_LIMIT = 25
CHOICES_LIMIT = 25
NAME = re.compile(r"^[-_\w]{1,32}$")
TEXT_COMMAND = 1
MENU_COMMANDS = {2: "user", 3: "message"}
MENU_COMMANDS_LIMIT = 5
MENU_NAME_LIMITS = (1, 32)


def about(state: State, call: Call) -> Answer:
    """GET /applications/@me and /oauth2/applications/@me."""
    del call
    flags = application_flags(state.granted_intents)
    return Answer(
        {
            "id": str(state.application_id),
            "name": state.bot.name,
            "icon": None,
            "description": "",
            "type": None,
            "bot": user_json(state.bot),
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": flags,
            "flags_new": str(flags),
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "owner": user_json(state.owner),
            "approximate_guild_count": len(state.guilds),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "team": None,
            "eligible_oauth2_scopes": ["bot", "applications.commands"],
        }
    )


def list_commands(state: State, call: Call) -> Answer:
    """GET …/commands."""
    return Answer(state.commands.get(_scope(state, call), []))


def replace_commands(state: State, call: Call) -> Answer:
    """PUT …/commands: the whole list at once; a command of the same name and type keeps its id."""
    scope = _scope(state, call)
    if not isinstance(call.body, list):
        raise bad_json()
    if len(call.body) > COMMANDS_LIMIT:
        raise Failure(400, 30032, f"Maximum number of application commands reached ({COMMANDS_LIMIT}).")
    for position, form in enumerate(call.body):
        _check(str(position), form)
    for kind in MENU_COMMANDS:
        if sum(form.get("type") == kind for form in call.body) > MENU_COMMANDS_LIMIT:
            raise Failure(400, 30032, f"Maximum number of application commands reached ({MENU_COMMANDS_LIMIT}).")
    state.commands[scope] = [_saved(state, scope, form) for form in call.body]
    state.bell.ring()
    return Answer(state.commands[scope])


def create_command(state: State, call: Call) -> Answer:
    """POST …/commands."""
    scope = _scope(state, call)
    _check("", call.form)
    command = _saved(state, scope, call.form)
    known = state.commands.get(scope, [])
    others = [other for other in known if other["id"] != command["id"]]
    state.commands[scope] = [*others, command]
    return Answer(command, status=201 if len(others) == len(known) else 200)


def delete_command(state: State, call: Call) -> Answer:
    """DELETE …/commands/{command_id}."""
    scope = _scope(state, call)
    kept = [c for c in state.commands.get(scope, []) if c["id"] != str(call.id("command_id"))]
    if len(kept) == len(state.commands.get(scope, [])):
        raise unknown("application command")
    state.commands[scope] = kept
    return NOTHING


def _scope(state: State, call: Call) -> int | None:
    require_me(state, call)
    return state.guild(call.id("guild_id")).id if "guild_id" in call.parameters else None


def _saved(state: State, scope: int | None, form: JSON) -> JSON:
    kind = form.get("type") or TEXT_COMMAND
    before = (c for c in state.commands.get(scope, []) if c["name"] == form["name"] and c["type"] == kind)
    known = next(before, None)
    permissions = form.get("default_member_permissions")
    command = {
        "id": known["id"] if known else str(state.snowflakes.next()),
        "application_id": str(state.application_id),
        "version": str(state.snowflakes.next()),
        "type": kind,
        "name": form["name"],
        "description": form.get("description") or "",
        "default_member_permissions": None if permissions is None else str(permissions),
        "nsfw": bool(form.get("nsfw")),
        "options": [_without_nulls(option) for option in form.get("options") or []],
        "contexts": form.get("contexts"),
        "integration_types": form.get("integration_types") or [0],
    }
    if scope is not None:
        return {**command, "guild_id": str(scope)}
    return {**command, "dm_permission": form.get("dm_permission") is not False}


def _without_nulls(option: JSON) -> JSON:
    kept: JSON = {name: value for name, value in option.items() if value is not None}
    if "options" in kept:
        kept["options"] = [_without_nulls(inner) for inner in kept["options"]]
    return kept


def _check(at: str, form: Any, depth: int = 0) -> None:
    if not isinstance(form, dict):
        raise bad_json()
    prefix = f"{at}." if at else ""
    if not depth and form.get("type") in MENU_COMMANDS:
        return _check_menu(prefix, form)
    name = str(form.get("name") or "")
    if not NAME.match(name) or name != name.lower():
        raise invalid_form(f"{prefix}name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    check_length(f"{prefix}description", str(form.get("description") or ""), 1, 100)
    return _check_options(prefix, form, depth)


def _check_menu(prefix: str, form: JSON) -> None:
    """A command of a context menu has a name that people read, and neither a description nor options."""
    check_length(f"{prefix}name", str(form.get("name") or "").strip(), *MENU_NAME_LIMITS)
    for field in ("description", "options"):
        if form.get(field):
            raise invalid_form(
                f"{prefix}{field}", "APPLICATION_COMMAND_CONTEXT_MENU", "Context menu commands cannot have this"
            )


def _check_options(prefix: str, form: JSON, depth: int) -> None:
    options = form.get("options") or []
    if len(options) > OPTIONS_LIMIT:
        raise invalid_form(f"{prefix}options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    if len(form.get("choices") or []) > CHOICES_LIMIT:
        raise invalid_form(f"{prefix}choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    required = [bool(option.get("required")) for option in options if isinstance(option, dict)]
    if required != sorted(required, reverse=True):
        raise invalid_form(
            f"{prefix}options",
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
            "Required options must be placed before non-required options",
        )
    for position, option in enumerate(options):
        _check(f"{prefix}options.{position}", option, depth + 1)


COMMANDS = "/applications/{application_id}/commands"
GUILD_COMMANDS = "/applications/{application_id}/guilds/{guild_id}/commands"
ROUTES: Routes = {
    ("GET", "/applications/@me"): about,
    ("GET", "/oauth2/applications/@me"): about,
    ("GET", COMMANDS): list_commands,
    ("PUT", COMMANDS): replace_commands,
    ("POST", COMMANDS): create_command,
    ("DELETE", COMMANDS + "/{command_id}"): delete_command,
    ("GET", GUILD_COMMANDS): list_commands,
    ("PUT", GUILD_COMMANDS): replace_commands,
    ("POST", GUILD_COMMANDS): create_command,
    ("DELETE", GUILD_COMMANDS + "/{command_id}"): delete_command,
}
