"""Guilds, channels, threads, roles, members and users."""

from bot.model import snowflake_time
from bot.sandbox.discord.building import make_thread
from bot.sandbox.discord.call import Answer, Call, Routes
from bot.sandbox.discord.failures import Failure, as_snowflake, check_length, missing_access, unknown
from bot.sandbox.discord.model import Channel, Permission, iso
from bot.sandbox.discord.payloads import (
    channel_json,
    guild_json,
    me_json,
    member_json,
    role_json,
    user_json,
)
from bot.sandbox.discord.permissions import in_guild, require
from bot.sandbox.discord.state import State

THREAD_NAME_LIMITS = (1, 100)
MEMBERS_LIMIT = 1000


def me(state: State, call: Call) -> Answer:
    """GET /users/@me."""
    del call
    return Answer(me_json(state.bot))


def user(state: State, call: Call) -> Answer:
    """GET /users/{user_id}."""
    found = state.users.get(call.id("user_id"))
    if found is None:
        raise unknown("User")
    return Answer(user_json(found))


def my_guilds(state: State, call: Call) -> Answer:
    """GET /users/@me/guilds."""
    del call
    guilds = [guild for guild in state.guilds.values() if state.bot.id in guild.members]
    shown = [
        {
            **{name: guild_json(guild)[name] for name in ("id", "name", "icon", "banner", "features")},
            "owner": False,
            "permissions": str(int(in_guild(guild, state.bot))),
        }
        for guild in guilds
    ]
    return Answer(shown)


def guild(state: State, call: Call) -> Answer:
    """GET /guilds/{guild_id}."""
    found = state.guild(call.id("guild_id"))
    counts = {"approximate_member_count": len(found.members), "approximate_presence_count": 1}
    return Answer({**guild_json(found), **(counts if call.flag("with_counts") else {})})


def channels(state: State, call: Call) -> Answer:
    """GET /guilds/{guild_id}/channels: without threads."""
    found = state.guild(call.id("guild_id"))
    return Answer([channel_json(channel) for channel in found.channels.values() if not channel.is_thread])


def active_threads(state: State, call: Call) -> Answer:
    """GET /guilds/{guild_id}/threads/active."""
    found = state.guild(call.id("guild_id"))
    threads = [c for c in found.channels.values() if c.is_thread and state.is_seen_by_bot(c)]
    return Answer({"threads": [channel_json(thread) for thread in threads], "members": [], "has_more": False})


def roles(state: State, call: Call) -> Answer:
    """GET /guilds/{guild_id}/roles."""
    found = state.guild(call.id("guild_id"))
    return Answer([role_json(role, position) for position, role in enumerate(found.roles.values())])


def member(state: State, call: Call) -> Answer:
    """GET /guilds/{guild_id}/members/{user_id}."""
    found = state.guild(call.id("guild_id")).members.get(call.id("user_id"))
    if found is None:
        raise unknown("Member")
    return Answer(member_json(found))


def members(state: State, call: Call) -> Answer:
    """GET /guilds/{guild_id}/members: by id, page by page, for applications with the members intent."""
    found = state.guild(call.id("guild_id"))
    after = as_snowflake("after", call.query.get("after", "0"))
    limit = min(as_snowflake("limit", call.query.get("limit", "1")), MEMBERS_LIMIT)
    ids = sorted(user_id for user_id in found.members if user_id > after)[:limit]
    return Answer([member_json(found.members[user_id]) for user_id in ids])


def channel(state: State, call: Call) -> Answer:
    """GET /channels/{channel_id}."""
    return Answer(channel_json(_visible(state, call)))


def _visible(state: State, call: Call) -> Channel:
    found = state.channel(call.id("channel_id"))
    if not state.is_seen_by_bot(found):
        raise missing_access()
    return found


def create_thread(state: State, call: Call) -> Answer:
    """POST /channels/{channel_id}/threads, and from a message."""
    parent = _visible(state, call)
    require(parent, state.bot, Permission.CREATE_PUBLIC_THREADS)
    if parent.is_thread or parent.is_dm or parent.is_forum:
        raise Failure(400, 50024, "Cannot execute action on this channel type")
    if "message_id" in call.parameters:
        state.message(parent.id, call.id("message_id"))
    name = str(call.form.get("name") or "")
    check_length("name", name, *THREAD_NAME_LIMITS)
    return Answer(channel_json(make_thread(state, parent, name)), status=201)


def thread_member(state: State, call: Call) -> Answer:
    """GET /channels/{channel_id}/thread-members/{user_id}: who was added to a private thread."""
    thread, user_id = _visible(state, call), call.id("user_id")
    if user_id not in thread.added:
        raise unknown("Member")
    joined_at = iso(snowflake_time(thread.id))
    return Answer({"id": str(thread.id), "user_id": str(user_id), "join_timestamp": joined_at, "flags": 0})


ROUTES: Routes = {
    ("GET", "/users/@me"): me,
    ("GET", "/users/@me/guilds"): my_guilds,
    ("GET", "/users/{user_id}"): user,
    ("GET", "/guilds/{guild_id}"): guild,
    ("GET", "/guilds/{guild_id}/channels"): channels,
    ("GET", "/guilds/{guild_id}/threads/active"): active_threads,
    ("GET", "/guilds/{guild_id}/roles"): roles,
    ("GET", "/guilds/{guild_id}/members"): members,
    ("GET", "/guilds/{guild_id}/members/{user_id}"): member,
    ("GET", "/channels/{channel_id}"): channel,
    ("GET", "/channels/{channel_id}/thread-members/{user_id}"): thread_member,
    ("POST", "/channels/{channel_id}/threads"): create_thread,
    ("POST", "/channels/{channel_id}/messages/{message_id}/threads"): create_thread,
}
