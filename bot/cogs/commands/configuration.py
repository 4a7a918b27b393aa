"""The command about a personality's settings."""

from discord import app_commands
from discord.ext import commands

from bot.cogs.context import Context, bare, hybrid_command, member_of, plain, reply, services_of, shorten
from bot.cogs.replies.acknowledging import acknowledge
from bot.cogs.replies.choosing import offer_personalities
from bot.errors import InvalidInputError
from bot.rules.commands.options import Option, switch_of, text_of
from bot.services.personalities.configuration import Configuration, Values

USAGE = "NAME [context on|off | prompt TEXT | avatar URL | model NAME]"
SHOWN_PROMPT = 1000
CHOICES = [app_commands.Choice(name=option.value, value=option.value) for option in Option]


class ConfigurationCog(commands.Cog):
    """What a personality is told with every message, and how it looks."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @property
    def _configuration(self) -> Configuration:
        return services_of(self._bot).configuration

    @hybrid_command(
        aliases=["settings"],
        usage=USAGE,
        description="See or change the settings of a personality that you added",
        brief="Without a setting it shows all of them; `none` instead of a text, link or name clears it."
        " A name of several words goes between quotation marks",
    )
    @app_commands.describe(
        name="The personality's full name or one of its aliases",
        option="What to change; leave it out to see all settings",
        value="on or off for context, else the new text, link or name; none clears it",
    )
    @app_commands.autocomplete(name=offer_personalities)
    @app_commands.choices(option=CHOICES)
    async def config(self, ctx: Context, name: str, option: str | None = None, *, value: str | None = None) -> None:
        """Who added it, and the bot's owner; a change can be undone."""
        if option is None:
            values = await self._configuration.show(member_of(ctx), bare(name))
            is_private = ctx.interaction is not None or ctx.guild is None
            await reply(ctx, _described(values, shows_prompt=is_private), is_private=True)
            return
        if value is None:
            raise InvalidInputError("Say also what it shall be.", remedy=self._example(option))
        changed = await self._configuration.set(member_of(ctx), bare(name), option, value)
        undo = services_of(self._bot).policy.command("undo")
        text = f"The {changed} of {plain(bare(name))} is {_outcome(changed, value)}. {undo} takes that back."
        await acknowledge(ctx, text, is_private=True)

    def _example(self, option: str) -> str:
        typed = "on" if option.lower() == Option.CONTEXT else "none"
        return f"For example {services_of(self._bot).policy.command(f'config NAME {option[:20]} {typed}')}."


def _outcome(option: Option, typed: str) -> str:
    """What has become of it, short enough for a channel in which a prompt is nobody else's to see."""
    if option is Option.CONTEXT:
        return "on now" if switch_of(typed) else "off now"
    return "cleared" if text_of(option, typed) is None else "changed"


def _described(values: Values, *, shows_prompt: bool) -> str:
    switch = "on: each message says where and when it was written" if values.context else "off"
    lines = [
        f"**{plain(values.personality.display_name)}**",
        f"• context is {switch}",
        f"• avatar: {f'<{values.avatar}>' if values.avatar else 'none'}",
        f"• model: {plain(values.model) if values.model else 'the one that the AI service has for its name'}",
        f"• prompt: {_prompt(values.prompt, is_shown=shows_prompt)}",
    ]
    return "\n".join(lines)


def _prompt(prompt: str | None, *, is_shown: bool) -> str:
    if not prompt:
        return "none of its own"
    if not is_shown:
        return f"one of {len(prompt):,} characters, which I show only to you alone, with a slash or in a direct message"
    return "\n>>> " + shorten(prompt, SHOWN_PROMPT)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(ConfigurationCog(bot))
