"""How people build and change guilds, channels and what may be done there."""

from collections.abc import Iterable

from bot.sandbox.discord import building
from bot.sandbox.discord.messages import publish
from bot.sandbox.discord.model import BOT_PERMISSIONS, Channel, ChannelType, Guild, Message, Permission, User, Webhook
from bot.sandbox.discord.permissions import in_channel
from bot.sandbox.discord.watching import Onlooker
from bot.sandbox.discord.webhook_routes import remove_webhook


class Founders(Onlooker):
    """Those who own guilds and moderate them."""

    def add_guild(self, name: str, bot_permissions: Permission = BOT_PERMISSIONS) -> Guild:
        """A new guild with the bot in it; `bot_permissions` come on top of @everyone's."""
        return building.make_guild(self._state, name, bot_permissions)

    def add_channel(self, guild: Guild, name: str, *, nsfw: bool = False) -> Channel:
        """A new text channel."""
        return building.make_channel(self._state, guild, name, is_nsfw=nsfw)

    def add_voice_channel(self, guild: Guild, name: str, *, nsfw: bool = False) -> Channel:
        """A new voice channel, in which people can write too."""
        return building.make_channel(self._state, guild, name, is_nsfw=nsfw, kind=ChannelType.VOICE)

    def add_forum(self, guild: Guild, name: str, *, nsfw: bool = False) -> Channel:
        """A new forum, in which people write only in posts."""
        return building.make_channel(self._state, guild, name, is_nsfw=nsfw, kind=ChannelType.FORUM)

    def add_post(self, forum: Channel, author: User, name: str, content: str) -> Channel:
        """A new post of a forum: a thread whose first message, which has the thread's id, is this."""
        if not forum.is_forum or not in_channel(forum, author) & Permission.SEND_MESSAGES:
            raise PermissionError(f"{author.name} may not make posts in {forum.name}")
        post = building.make_thread(self._state, forum, name)
        guild_id = forum.guild.id if forum.guild else None
        publish(self._state, Message(post.id, post.id, author, content, guild_id=guild_id))
        return post

    def add_thread(self, channel: Channel, name: str, added: Iterable[User] = ()) -> Channel:
        """A new thread of a text channel; private, if people were added to it (the bot sees it only if it was)."""
        return building.make_thread(self._state, channel, name, added)

    def archive(self, thread: Channel, *, locked: bool = False) -> None:
        """Close a thread until the next message, which in a locked one only those can write who manage threads."""
        thread.is_archived, thread.is_locked = True, locked
        building.tell_of_channel(self._state, thread)

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
