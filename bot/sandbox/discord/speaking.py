"""What people write, change, delete and mark with an emoji."""

from collections.abc import Sequence

from bot.sandbox.discord import reactions
from bot.sandbox.discord.attaching import attachments_json
from bot.sandbox.discord.mentions import PARSE_ALL, pinged_users, pings_everyone
from bot.sandbox.discord.messages import REPLY, announce, pinged_by_reply, publish, remove, remove_many, replace
from bot.sandbox.discord.model import JSON, Channel, Message, Permission, Upload, User
from bot.sandbox.discord.permissions import in_channel, may_write
from bot.sandbox.discord.watching import Onlooker
from bot.sandbox.discord.writing import CONTENT_LIMIT


class Speakers(Onlooker):
    """Those who write."""

    async def post(
        self,
        channel: Channel,
        author: User,
        content: str,
        reply_to: Message | None = None,
        *,
        attachments: Sequence[Upload] = (),
        embeds: Sequence[JSON] = (),
    ) -> Message:
        """A person (or another bot) writes; only bots have embeds from the start.

        Raises PermissionError where Discord's client would not let them.
        """
        if channel.is_forum or not may_write(channel, author):
            raise PermissionError(f"{author.name} may not write in {channel.name}")
        shortest = 0 if attachments or embeds else 1
        if not shortest <= len(content.strip()) <= CONTENT_LIMIT:
            raise ValueError(f"a message has {shortest} to {CONTENT_LIMIT} characters, not {len(content)}")
        message = self._message(channel, author, content.strip())
        message = message.changed(
            type=REPLY if reply_to else 0,
            reply_to_id=reply_to.id if reply_to else None,
            attachments=attachments_json(channel.id, message.id, attachments),
            embeds=tuple(embeds),
        )
        return publish(self._state, self._with_pings(channel, message))

    async def forward(self, channel: Channel, author: User, message: Message) -> Message:
        """A person passes a message on to a channel: what it said comes as a snapshot, without its author."""
        forwarding = self._message(channel, author, "")
        return publish(self._state, forwarding.changed(forwarded=self._current(message)))

    def _message(self, channel: Channel, author: User, content: str) -> Message:
        return Message(
            id=self._state.snowflakes.next(),
            channel_id=channel.id,
            guild_id=channel.guild.id if channel.guild else None,
            author=author,
            content=content,
        )

    def _with_pings(self, channel: Channel, message: Message) -> Message:
        may_ping = in_channel(channel, message.author) & Permission.MENTION_EVERYONE
        pinged = pinged_users(message.content, None, PARSE_ALL) | pinged_by_reply(self._state, channel, message)
        everyone = bool(may_ping) and pings_everyone(message.content, None, PARSE_ALL)
        return message.changed(pinged_ids=pinged, pings_everyone=everyone)

    def _current(self, message: Message) -> Message:
        """The message as it stands now, whatever became of it since it was read."""
        return self._state.messages[message.channel_id].get(message.id, message)

    async def edit(self, message: Message, content: str) -> Message:
        """The author changes a message."""
        channel = self._state.channels[message.channel_id]
        changed = self._current(message).changed(content=content.strip(), edited_at=self._state.now())
        return replace(self._state, self._with_pings(channel, changed))

    async def unfurl(self, message: Message, embeds: Sequence[JSON]) -> Message:
        """Discord adds the previews of a message's links: an update that is no edit of its author's."""
        return replace(self._state, self._current(message).changed(embeds=tuple(embeds)))

    async def react(self, user: User, message: Message, emoji: str) -> None:
        """A user puts an emoji under a message. Raises PermissionError where Discord's client would not let them."""
        channel, message = self._state.channels[message.channel_id], self._current(message)
        needed = Permission.READ_MESSAGE_HISTORY
        needed |= Permission.NONE if emoji in message.reactions else Permission.ADD_REACTIONS
        if needed & ~in_channel(channel, user) or message.is_ephemeral:
            raise PermissionError(f"{user.name} may not react in {channel.name}")
        reactions.add(self._state, message, user, emoji)

    async def unreact(self, user: User, message: Message, emoji: str) -> None:
        """A user takes their emoji back."""
        reactions.take_back(self._state, self._current(message), user.id, emoji)

    async def delete(self, message: Message) -> None:
        """The author or a moderator deletes a message."""
        remove(self._state, message)

    async def delete_many(self, channel: Channel, messages: list[Message]) -> None:
        """A moderator deletes messages at once."""
        remove_many(self._state, channel, [message.id for message in messages])

    def redeliver(self, message: Message) -> None:
        """Tell the bot of a message once more, as a gateway may."""
        announce(self._state, message)
