"""An interaction on its way to the bot: what all kinds have in common."""

import secrets

from bot.sandbox.discord import intents
from bot.sandbox.discord.interaction import Interaction
from bot.sandbox.discord.model import JSON, Channel, User
from bot.sandbox.discord.payloads import ATTACHMENT_LIMIT_BYTES, channel_json, member_json, user_json
from bot.sandbox.discord.permissions import in_channel
from bot.sandbox.discord.state import Event, State

COMMAND = 2
COMPONENT = 3
AUTOCOMPLETE = 4
MODAL_SUBMIT = 5


def begin(state: State, user: User, channel: Channel, kind: int) -> Interaction:
    """A new interaction, known under its token."""
    seconds = state.interaction_deadline_seconds
    interaction = Interaction(state.snowflakes.next(), secrets.token_urlsafe(48), user, channel, kind, seconds)
    state.interactions[interaction.token] = interaction
    return interaction


def tell(state: State, interaction: Interaction, data: JSON, message: JSON | None = None) -> None:
    """Send it to the bot, with the message on which it was made, if there is one."""
    channel = interaction.channel
    event = _interaction_json(state, interaction, data)
    if message is not None:
        event["message"] = message
    guild_id = channel.guild.id if channel.guild else None
    state.emit(Event("INTERACTION_CREATE", event, intents.NONE_NEEDED, guild_id))


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
