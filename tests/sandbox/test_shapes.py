"""Every route's requests and answers against Discord's own description of its API."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # no stubs
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from bot.sandbox.discord import DiscordOptions, DiscordSandbox, Exchange, Permission, Upload
from bot.sandbox.discord.rest import ROUTES
from tests.sandbox.conftest import SPECIFICATION, Home, connected
from tests.sandbox.test_forms import prepared

NAME = "urn:discord"


class Description:
    """Discord's OpenAPI document, asked for one operation at a time."""

    def __init__(self) -> None:
        self._document = json.loads(SPECIFICATION.read_text())
        # The document has a number here, but Discord's servers and its reference pages have a text.
        schemas = self._document["components"]["schemas"]
        reasons = schemas["InnerErrors"]["properties"]["_errors"]
        reasons["items"] = {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}},
        }
        # The document knows only replies, the reference pages forwards too.
        schemas["MessageReferenceType"]["oneOf"].append({"title": "FORWARD", "const": 1})
        resource = Resource.from_contents(self._document, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(NAME, resource)

    def complaints(self, exchange: Exchange) -> list[str]:
        """What is wrong with a request and its answer."""
        operation = self._document["paths"][exchange.route][exchange.method.lower()]
        at = f"{exchange.method} {exchange.route} {exchange.status}"
        found = []
        if exchange.body is not None and exchange.status < 400:
            found += self._check(operation.get("requestBody", {}), exchange.body, f"{at} request")
        answers = operation["responses"]
        answer = answers.get(str(exchange.status)) or (answers["4XX"] if 400 <= exchange.status < 500 else None)
        if answer is None:
            return [*found, f"{at}: this status is unknown"]
        return found + self._check(self._resolve(answer), exchange.reply, f"{at} answer")

    def _resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in node:
            return node
        resolved: Mapping[str, Any] = self._registry.resolver(NAME).lookup(node["$ref"]).contents
        return resolved

    def _check(self, node: Mapping[str, Any], value: Any, at: str) -> list[str]:
        schema = node.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return [] if value is None else [f"{at}: no body expected"]
        local = json.loads(json.dumps(schema).replace('"#/', f'"{NAME}#/'))
        errors = Draft202012Validator(local, registry=self._registry).iter_errors(value)
        return [f"{at}: {error.json_path} {error.message[:300]}" for error in errors]


@pytest.fixture(scope="module")
def description() -> Description:
    return Description()


class Caller:
    """Calls routes by hand and remembers the answers."""

    def __init__(self, session: aiohttp.ClientSession, sandbox: DiscordSandbox) -> None:
        self._session = session
        self._base = sandbox.api_base

    async def __call__(self, method: str, path: str, body: Any = None) -> Any:
        async with self._session.request(method, self._base + path, json=body) as response:
            return await response.json() if response.content_type == "application/json" else None


@pytest.fixture
async def sandbox() -> AsyncIterator[DiscordSandbox]:
    async with DiscordSandbox(DiscordOptions(rate_scale=0.0001)) as started:
        yield started


@pytest.fixture
async def call(sandbox: DiscordSandbox) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {sandbox.token}"}) as session:
        yield Caller(session, sandbox)


def watch(sandbox: DiscordSandbox) -> list[Exchange]:
    exchanges: list[Exchange] = []
    sandbox.observe(exchanges.append)
    return exchanges


COMMAND = {
    "name": "garden",
    "description": "Grow.",
    "type": 1,
    "options": [
        {"type": 1, "name": "plant", "description": "Plant.", "options": [
            {"type": 3, "name": "what", "description": "What.", "required": True, "max_length": 20},
            {"type": 6, "name": "who", "description": "Who.", "required": False},
        ]},
    ],
}  # fmt: skip
EMBED = {"title": "Status", "description": "All is well.", "fields": [{"name": "a", "value": "b", "inline": True}]}


async def everything(sandbox: DiscordSandbox, call: Caller) -> None:
    """Each route at least once, and some errors."""
    guild = sandbox.add_guild("Garden")
    mira = sandbox.add_user("Mira")
    sandbox.join(guild, mira, Permission.ADMINISTRATOR)
    channel = sandbox.add_channel(guild, "talk", nsfw=True)
    asked = await sandbox.post(channel, mira, f"hello <@{sandbox.bot_user_id}>")
    sandbox.add_post(sandbox.add_forum(guild, "gallery"), mira, "Moths", "Which is this?")
    pictured = await sandbox.post(channel, mira, "", attachments=[Upload("moth.png", "image/png")])
    forwarded = await sandbox.forward(channel, mira, pictured)
    for message in (await sandbox.unfurl(pictured, [{**EMBED, "type": "link"}]), forwarded):
        await call("GET", f"/channels/{channel.id}/messages/{message.id}")
    sandbox.overwrite(channel, mira, allow=Permission.MANAGE_WEBHOOKS)
    g, c = f"/guilds/{guild.id}", f"/channels/{channel.id}"
    paths = ("/users/@me", "/users/@me/guilds", f"/users/{mira.id}", g, f"{g}/channels", f"{g}/roles", c)
    for path in (*paths, f"{g}/members?limit=9", f"{g}/members/{mira.id}", "/applications/@me"):
        await call("GET", path)
    await call("GET", "/oauth2/applications/@me")
    await call("GET", f"{g}?with_counts=true")
    await messages(call, c, asked.id)
    dm = await call("POST", "/users/@me/channels", {"recipient_id": str(mira.id)})
    await call("GET", f"/channels/{dm['id']}")
    thread = await call("POST", f"{c}/threads", {"name": "corner", "type": 11, "auto_archive_duration": 1440})
    await call("POST", f"{c}/messages/{asked.id}/threads", {"name": "other corner"})
    await call("GET", f"/channels/{thread['id']}")
    private = sandbox.add_thread(channel, "closed corner", added=[sandbox.bot_user, mira])
    for user_id in (mira.id, guild.owner.id):
        await call("GET", f"/channels/{private.id}/thread-members/{user_id}")
    await call("GET", f"{g}/threads/active")
    await webhooks(call, c, g, thread["id"])
    await commands(call, f"/applications/{sandbox.application_id}", g)
    for path in ("/channels/1", "/guilds/1", "/users/1", "/webhooks/1", "/channels/nonsense"):
        await call("GET", path)


async def messages(call: Caller, c: str, asked: int) -> None:
    reply = {"content": "hi", "message_reference": {"message_id": str(asked)}, "nonce": "7", "enforce_nonce": True}
    sent = await call("POST", f"{c}/messages", {**reply, "allowed_mentions": {"parse": []}, "embeds": [EMBED]})
    await call("GET", f"{c}/messages?limit=10")
    one = f"{c}/messages/{sent['id']}"
    await call("GET", one)
    await call("PATCH", one, {"content": "changed"})
    for emoji in ("%F0%9F%91%80", "%F0%9F%97%91", "x"):
        await call("PUT", f"{one}/reactions/{emoji}/@me")
    await call("GET", one)
    await call("GET", f"{one}/reactions/%F0%9F%91%80")
    for rest in ("/%F0%9F%91%80/@me", "/%F0%9F%91%80/1", "/%F0%9F%97%91", ""):
        await call("DELETE", f"{one}/reactions{rest}")
    await call("POST", f"{c}/typing")
    await call("DELETE", one)
    await call("GET", one)
    more = [(await call("POST", f"{c}/messages", {"content": "more"}))["id"] for _ in range(2)]
    await call("POST", f"{c}/messages/bulk-delete", {"messages": more})
    await call("POST", f"{c}/messages", {"content": "x" * 2001})
    await call("POST", f"{c}/messages", {})


async def webhooks(call: Caller, c: str, g: str, thread: str) -> None:
    made = await call("POST", f"{c}/webhooks", {"name": "Personalities"})
    await call("GET", f"{c}/webhooks")
    await call("GET", f"{g}/webhooks")
    by_id = f"/webhooks/{made['id']}"
    by_token = f"{by_id}/{made['token']}"
    for path in (by_id, by_token):
        await call("GET", path)
        await call("PATCH", path, {"name": "Voices"})
    said = {"content": "boo", "username": "Ghost", "avatar_url": "https://pictures.example/g.png"}
    await call("POST", by_token, said)
    sent = await call("POST", f"{by_token}?wait=1", {**said, "embeds": [EMBED]})
    await call("POST", f"{by_token}?wait=1&thread_id={thread}", said)
    one = f"{by_token}/messages/{sent['id']}"
    await call("GET", one)
    await call("PATCH", one, {"content": "boo again"})
    await call("DELETE", one)
    await call("POST", f"{c}/webhooks", {"name": "Clyde"})
    await call("DELETE", by_token)
    await call("DELETE", f"/webhooks/{(await call('POST', f'{c}/webhooks', {'name': 'Other'}))['id']}")


async def commands(call: Caller, a: str, g: str) -> None:
    for scope in (f"{a}/commands", f"{a}{g}/commands"):
        await call("PUT", scope, [COMMAND, {"name": "Who is this?", "type": 3}])
        await call("POST", scope, {"name": "Who is this?", "type": 3, "description": "It has none."})
        await call("GET", scope)
        made = await call("POST", scope, {**COMMAND, "name": "other"})
        await call("DELETE", f"{scope}/{made['id']}")


async def test_every_route_answers_in_discords_shape(
    sandbox: DiscordSandbox, call: Caller, description: Description
) -> None:
    exchanges = watch(sandbox)
    await everything(sandbox, call)
    complaints = [complaint for exchange in exchanges for complaint in description.complaints(exchange)]
    assert complaints == []
    asked = {(exchange.method, exchange.route) for exchange in exchanges}
    interactions = {key for key in ROUTES if "interaction" in key[1] or "@original" in key[1]}
    assert set(ROUTES) - asked == interactions


async def test_what_discord_py_sends_and_gets_is_in_discords_shape(home: Home, description: Description) -> None:
    exchanges = watch(home.sandbox)
    async with connected(home.sandbox) as bot:
        await bot.tree.sync()
        await home.sandbox.post(home.channel, home.mira, "!ping")
        await home.sandbox.run_command(home.mira, home.channel, "ping")
        await home.sandbox.run_command(home.mira, home.channel, "think")
        question = (await home.sandbox.run_command(home.mira, home.channel, "choose")).message
        for label in ("change", "say", "defer"):
            await home.sandbox.press(home.mira, question, label)
        await home.sandbox.wait_until(
            lambda: not home.sandbox._state.messages[home.channel.id][question.id].components, what="the edit"
        )
        await prepared(bot)
        form = await home.sandbox.run_command(home.mira, home.channel, "enter")
        await home.sandbox.submit(home.mira, form, {"Code": "abc"})
        said = await home.sandbox.post(home.channel, home.mira, "hello")
        await home.sandbox.run_message_command(home.mira, said, "Who is this?")
    assert {exchange.route.split("/")[1] for exchange in exchanges} >= {"interactions", "webhooks", "applications"}
    assert [complaint for exchange in exchanges for complaint in description.complaints(exchange)] == []


async def test_a_429_is_in_discords_shape(home: Home, description: Description) -> None:
    exchanges = watch(home.sandbox)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {home.sandbox.token}"}) as session:
        home.sandbox.faults.limit("GET", "/users/@me", 0.5)
        call = Caller(session, home.sandbox)
        assert (await call("GET", "/users/@me"))["retry_after"] == 0.5
    assert [exchange.status for exchange in exchanges] == [429]
    assert description.complaints(exchanges[0]) == []
