"""What people do in this Discord: build guilds, write, give commands, and see what the bot says."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.discord import building
from bot.sandbox.discord.interaction import Interaction, Reply
from bot.sandbox.discord.interaction_routes import DEFERRED
from bot.sandbox.discord.invoking import AUTOCOMPLETE, Invocation, invoke, press
from bot.sandbox.discord.mentions import PARSE_ALL, pinged_users, pings_everyone
from bot.sandbox.discord.messages import REPLY, announce, pinged_by_reply, publish, remove, remove_many, replace
from bot.sandbox.discord.model import BOT_PERMISSIONS, Channel, Guild, Message, Permission, User, Webhook
from bot.sandbox.discord.permissions import in_channel, sending
from bot.sandbox.discord.state import State
from bot.sandbox.discord.webhook_routes import remove_webhook
from bot.sandbox.discord.writing import CONTENT_LIMIT

WAIT_SECONDS = 10.0


class People:
    """Everything that happens in Discord without the bot's doing."""

    def __init__(self, state: State, interaction_deadline_seconds: float) -> None:
        self._state = state
        self._deadline_seconds = interaction_deadline_seconds

    def add_guild(self, name: str, bot_permissions: Permission = BOT_PERMISSIONS) -> Guild:
        """A new guild with the bot in it; `bot_permissions` come on top of @everyone's."""
        return building.make_guild(self._state, name, bot_permissions)

    def add_channel(self, guild: Guild, name: str, *, nsfw: bool = False) -> Channel:
        """A new text channel."""
        return building.make_channel(self._state, guild, name, is_nsfw=nsfw)

    def add_thread(self, channel: Channel, name: str) -> Channel:
        """A new public thread of a text channel."""
        return building.make_thread(self._state, channel, name)

    def add_user(self, name: str, *, is_bot: bool = False, user_id: int | None = None) -> User:
        """A new person, in no guild yet; or another bot."""
        return building.make_user(self._state, name, is_bot=is_bot, user_id=user_id)

    def join(self, guild: Guild, user: User, permissions: Permission = Permission.NONE) -> None:
        """A user joins a guild; `permissions` come on top of @everyone's."""
        building.make_member(self._state, guild, user, permissions)

    def set_permissions(self, guild: Guild, user: User, permissions: Permission) -> None:
        """Change what a member (or the bot) may do beyond @everyone."""
        building.grant(self._state, guild, guild.members[user.id], permissions)

    def permit_bot(self, guild: Guild, **changes: bool) -> None:
        """Grant or take permissions of the bot in a guild: `manage_webhooks=False`."""
        granted = guild.members[self._state.bot.id].roles[0].permissions
        for name, is_granted in changes.items():
            permission = Permission[name.upper()]
            granted = granted | permission if is_granted else granted & ~permission
        self.set_permissions(guild, self._state.bot, granted)

    def overwrite(
        self, channel: Channel, user: User, *, allow: Permission = Permission.NONE, deny: Permission = Permission.NONE
    ) -> None:
        """Set a member's (or the bot's) permissions in one channel."""
        channel.overwrites[user.id] = (allow, deny)
        building.tell_of_channel(self._state, channel)

    def set_nsfw(self, channel: Channel, *, nsfw: bool) -> None:
        """Mark a channel as age-restricted, or not."""
        channel.is_marked_nsfw = nsfw
        building.tell_of_channel(self._state, channel)

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel or thread."""
        building.drop_channel(self._state, channel)

    def remove_bot(self, guild: Guild) -> None:
        """Throw the bot out of a guild."""
        building.drop_guild(self._state, guild)

    def dm_channel(self, user: User) -> Channel:
        """The direct message channel between a user and the bot."""
        return self._state.dm_with(user)

    def block_dms(self, user: User) -> None:
        """From now on this user takes no direct messages from the bot (50007)."""
        self._state.blocking_ids.add(user.id)

    def webhooks(self, channel: Channel) -> list[Webhook]:
        """The webhooks of a channel."""
        return self._state.webhooks_of(channel)

    def delete_webhook(self, of: Webhook | Channel) -> None:
        """A moderator deletes a webhook, or all webhooks of a channel."""
        for webhook in self.webhooks(of) if isinstance(of, Channel) else [of]:
            remove_webhook(self._state, webhook)

    async def post(self, channel: Channel, author: User, content: str, reply_to: Message | None = None) -> Message:
        """A person (or another bot) writes. Raises PermissionError where Discord's client would not let them."""
        if not in_channel(channel, author) & sending(channel):
            raise PermissionError(f"{author.name} may not write in {channel.name}")
        if not 0 < len(content.strip()) <= CONTENT_LIMIT:
            raise ValueError(f"a message has 1 to {CONTENT_LIMIT} characters, not {len(content)}")
        message = Message(
            id=self._state.snowflakes.next(),
            channel_id=channel.id,
            guild_id=channel.guild.id if channel.guild else None,
            author=author,
            content=content.strip(),
            type=REPLY if reply_to else 0,
            reply_to_id=reply_to.id if reply_to else None,
        )
        return publish(self._state, self._with_pings(channel, message))

    def _with_pings(self, channel: Channel, message: Message) -> Message:
        may_ping = in_channel(channel, message.author) & Permission.MENTION_EVERYONE
        pinged = pinged_users(message.content, None, PARSE_ALL) | pinged_by_reply(self._state, channel, message)
        everyone = bool(may_ping) and pings_everyone(message.content, None, PARSE_ALL)
        return message.changed(pinged_ids=pinged, pings_everyone=everyone)

    async def edit(self, message: Message, content: str) -> Message:
        """The author changes a message."""
        channel = self._state.channels[message.channel_id]
        changed = message.changed(content=content.strip(), edited_at=datetime.now(UTC))
        return replace(self._state, self._with_pings(channel, changed))

    async def delete(self, message: Message) -> None:
        """The author or a moderator deletes a message."""
        remove(self._state, message)

    async def delete_many(self, channel: Channel, messages: list[Message]) -> None:
        """A moderator deletes messages at once."""
        remove_many(self._state, channel, [message.id for message in messages])

    def redeliver(self, message: Message) -> None:
        """Tell the bot of a message once more, as a gateway may."""
        announce(self._state, message)

    def messages(self, channel: Channel) -> list[Message]:
        """What people see in a channel, oldest first; answers that only one user sees are not among them."""
        return list(self._state.visible_messages(channel.id))

    async def wait_for_message(
        self,
        channel: Channel,
        after: Message | int = 0,
        *,
        timeout_seconds: float = WAIT_SECONDS,
        where: Callable[[Message], bool] = lambda message: True,  # noqa: ARG005 - any message
    ) -> Message:
        """The first message newer than `after` for which `where` is true. Raises TimeoutError."""
        newest = after if isinstance(after, int) else after.id

        def look() -> Message | None:
            found = (m for m in self._state.visible_messages(channel.id) if m.id > newest and where(m))
            return next(found, None)

        what = f"a matching message in {channel.name}"
        return await self._state.bell.wait_until(look, timeout_seconds=timeout_seconds, what=what)

    async def wait_until(
        self, look: Callable[[], Any], *, timeout_seconds: float = WAIT_SECONDS, what: str = "the change"
    ) -> Any:
        """The first true thing that `look` returns, asked again after every change. Raises TimeoutError."""
        return await self._state.bell.wait_until(look, timeout_seconds=timeout_seconds, what=what)

    async def run_command(
        self,
        user: User,
        channel: Channel,
        name: str,
        options: Mapping[str, Any] | None = None,
    ) -> Reply:
        """A user gives a slash command (`auth start` for a subcommand) and waits for what comes.

        Raises CommandNotShownError where Discord would not offer it so, and TimeoutError when nothing comes:
        within 3 s nothing at all, or after a deferral nothing within 10 s.
        """
        interaction = invoke(self._state, Invocation(user, channel, name, options or {}), self._deadline_seconds)
        await self._answered(interaction)
        await self._state.bell.wait_until(
            lambda: not self._is_thinking(interaction), timeout_seconds=WAIT_SECONDS, what=f"the end of /{name}"
        )
        return self._reply(interaction)

    async def press(self, user: User, message: Message, label: str) -> Reply:
        """A user presses a button of a message and waits until the bot has taken it.

        Raises CommandNotShownError where the user does not see it, and TimeoutError when nothing comes.
        """
        interaction = press(self._state, user, message, label, self._deadline_seconds)
        await self._answered(interaction)
        return self._reply(interaction)

    async def wait_for_follow_up(self, reply: Reply, count: int = 1, *, timeout_seconds: float = WAIT_SECONDS) -> Reply:
        """The reply once it has this many messages more than before."""
        interaction = next(i for i in self._state.interactions.values() if i.id == reply.interaction_id)
        wanted = len(reply.messages) + count
        await self._state.bell.wait_until(
            lambda: len(self._reply(interaction).messages) >= wanted,
            timeout_seconds=timeout_seconds,
            what="a follow-up",
        )
        return self._reply(interaction)

    async def autocomplete(self, user: User, channel: Channel, name: str, typed: Mapping[str, Any]) -> list[Any]:
        """The values the bot offers for the last option of `typed`."""
        given = Invocation(user, channel, name, typed, AUTOCOMPLETE, focused=list(typed)[-1])
        interaction = invoke(self._state, given, self._deadline_seconds)
        await self._answered(interaction)
        return [choice["value"] for choice in interaction.choices]

    async def _answered(self, interaction: Interaction) -> None:
        await self._state.bell.wait_until(
            lambda: interaction.answered_with is not None,
            timeout_seconds=self._deadline_seconds,
            what="The application did not respond: an answer to the command",
        )

    def _is_thinking(self, interaction: Interaction) -> bool:
        original = self._state.messages[interaction.channel.id].get(interaction.original_id or 0)
        return original is not None and original.is_loading

    def _reply(self, interaction: Interaction) -> Reply:
        known = self._state.messages[interaction.channel.id]
        messages = tuple(known[message_id] for message_id in interaction.message_ids if message_id in known)
        return Reply(interaction.id, messages, is_deferred=interaction.answered_with == DEFERRED)
