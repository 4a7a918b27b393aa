"""The command that explains the others: all that it says comes from the commands themselves and from their terms."""

from collections.abc import Iterator
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.admission import place_of_press, presser_of
from bot.cogs.context import Context, Services, bare, hybrid_command, plain, reply, services_of
from bot.cogs.replies.paging import Asked, PageButton, Sheet, pages_of, show_page
from bot.errors import NotFoundError, TzurotError
from bot.model import Member
from bot.rules.commands.choices import CHOICES_MAX
from bot.rules.commands.help_text import Argument, Explained, explain, paged
from bot.rules.commands.terms import COMMANDS, Topic, describe_terms, may_use, terms_of
from bot.services.policy import Policy

AnyCommand = commands.Command[Any, ..., Any]
ON_MESSAGES = "**On a personality's message**"


async def offer_commands(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
    """Commands whose name or alias holds what was typed so far."""
    try:
        member, place = presser_of(interaction), place_of_press(interaction)
        if not await services_of(interaction.client).gate.admit(member, "help", place):
            return []
    except TzurotError:
        return []
    typed = " ".join(current.split()).lower()
    owner_id = services_of(interaction.client).policy.owner_id
    known = [command for command in _by_table(interaction.client) if _is_for(member, command, owner_id)]
    found = sorted(
        (command.qualified_name for command in known if any(typed in name for name in _names(command))),
        key=lambda name: not name.startswith(typed),
    )
    return [app_commands.Choice(name=name, value=name) for name in found[:CHOICES_MAX]]


class HelpCog(commands.Cog):
    """What the bot can do."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    async def cog_load(self) -> None:
        """Make the pages, which need to know the commands."""
        pages_of("help")(self._page)

    @hybrid_command(usage="[COMMAND]", description="Show what I can do", extras={"example": "help auth code"})
    @app_commands.describe(command="The command to explain; all of them if you leave it out")
    @app_commands.autocomplete(command=offer_commands)
    async def help(self, ctx: Context, *, command: str | None = None) -> None:
        """All commands that the author may use, or everything about one of all there are."""
        if command is None:
            await show_page(ctx, "help")
        else:
            await reply(ctx, self._explain(command), is_private=True)

    async def _page(self, services: Services, asked: Asked) -> Sheet:
        pages = paged(_head(services.policy), self._blocks(services.policy, asked.member))
        number = min(asked.number, len(pages))
        return Sheet(pages[number - 1], number, len(pages))

    def _blocks(self, policy: Policy, member: Member) -> Iterator[list[str]]:
        shown = [command for command in _by_table(self._bot) if command.parent is None]
        own = [command for command in shown if _is_for(member, command, policy.owner_id)]
        for topic in Topic:
            about = [command for command in own if terms_of(command.qualified_name).topic is topic]
            yield [f"**{topic}**", *(f"• `{_usage(command)}` {command.description}" for command in about)]
        yield [
            ON_MESSAGES,
            *(f"• {menu.name}: {menu.extras['description']}" for menu in self._menus()),
        ]
        if hidden := len(shown) - len(own):
            word = "command is" if hidden == 1 else "commands are"
            yield ["", f"-# {hidden} more {word} for moderators and administrators."]

    def _menus(self) -> list[app_commands.ContextMenu]:
        return self._bot.tree.get_commands(type=discord.AppCommandType.message)

    def _explain(self, name: str) -> str:
        policy, wanted = services_of(self._bot).policy, bare(name).lower().removeprefix("/")
        for menu in self._menus():
            if menu.name.lower() == wanted:
                return explain(_explained(menu, policy))
        command = self._bot.get_command(wanted)
        if command is None:
            known = policy.command("help")
            raise NotFoundError(f"There is no command “{plain(name[:50])}”.", remedy=f"{known} lists them all.")
        children = command.commands if isinstance(command, commands.Group) else ()
        below = [child for child in _by_table(self._bot) if child in children]
        example = command.extras.get("example")
        return explain(
            Explained(
                typed=f"{policy.command_prefix} {_usage(command)}",
                description=command.description,
                terms=describe_terms(terms_of(command.qualified_name), has_login_service=policy.has_login_service),
                note=command.brief or "",
                arguments=tuple(_arguments(command)),
                aliases=tuple(command.aliases),
                example=f"{policy.command_prefix} {example}" if example else "",
                below=tuple((_usage(child), child.description) for child in below),
            )
        )


def _explained(menu: app_commands.ContextMenu, policy: Policy) -> Explained:
    return Explained(
        typed=menu.name,
        description=f"On a personality's message, in its menu under Apps: {menu.extras['description']}",
        terms=describe_terms(terms_of(menu.name), has_login_service=policy.has_login_service),
    )


def _head(policy: Policy) -> str:
    talk = f"Talk to a personality with `{policy.mention_char}name` and your words, or reply to one of its messages."
    login = f" To begin, log in with {policy.command('auth start')}." if policy.has_login_service else ""
    one = policy.command("help COMMAND")
    return f"{talk}{login}\nEvery command begins with `{policy.command_prefix} ` or a slash; {one} explains one."


def _by_table(bot: commands.Bot) -> list[AnyCommand]:
    """All commands, in the order of the table."""
    known: dict[str, AnyCommand] = {command.qualified_name: command for command in bot.walk_commands()}
    return [known[name] for name in COMMANDS if name in known]


def _is_for(member: Member, command: AnyCommand, owner_id: int) -> bool:
    return may_use(terms_of(command.qualified_name).right, member, owner_id)


def _names(command: AnyCommand) -> list[str]:
    above = f"{command.full_parent_name} ".lstrip()
    return [above + name for name in (command.name, *command.aliases)]


def _usage(command: AnyCommand) -> str:
    return f"{command.qualified_name} {command.usage or ''}".strip()


def _arguments(command: AnyCommand) -> Iterator[Argument]:
    """As Discord shows them for the slash command, so that both say the same."""
    slash = getattr(command, "app_command", None)
    for parameter in slash.parameters if isinstance(slash, app_commands.Command) else ():
        choices = tuple(choice.name for choice in parameter.choices)
        yield Argument(parameter.display_name, str(parameter.description), parameter.required, choices)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py; from here on, buttons under lists of every age are listened to."""
    bot.add_dynamic_items(PageButton)
    await bot.add_cog(HelpCog(bot))
