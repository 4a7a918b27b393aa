"""Commands about personalities: add, remove, list, info, alias."""

import re

from discord import app_commands
from discord.ext import commands

from bot.cogs.context import Context, Services, bare, code, hybrid_command, member_of, plain, reply, services_of
from bot.cogs.replies.acknowledging import acknowledge
from bot.cogs.replies.choosing import offer_personalities
from bot.cogs.replies.paging import Asked, Sheet, pages_of, show_page
from bot.errors import NotFoundError
from bot.model import Personality
from bot.services.pages import Page
from bot.services.personalities.personalities import Personalities
from bot.services.personalities.results import Added, Details, Removed, Wish

NAME = "The personality's full name or one of its aliases"
QUOTING = "A name of several words goes between quotation marks"
URL = re.compile(r"(?<!\S)https?://\S*", re.IGNORECASE)
SHOWN_ALIASES = 25


class PersonalityCog(commands.Cog):
    """Who can be talked to."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @property
    def _personalities(self) -> Personalities:
        return services_of(self._bot).personalities

    @hybrid_command(
        aliases=["create", "new"],
        usage="NAME [ALIAS] [AVATAR-URL [PROMPT]]",
        description="Add a personality, so that it can be talked to",
        brief=QUOTING,
        extras={"example": "add lilith queen of the night"},
    )
    @app_commands.describe(
        name="Its full name, as the AI service knows it",
        alias="Another name to call it by",
        avatar="A link to its picture, where the AI service has none",
        prompt="Who it is and how it speaks, where the AI service does not know",
    )
    async def add(
        self,
        ctx: Context,
        name: str,
        *,
        alias: str | None = None,
        avatar: str | None = None,
        prompt: str | None = None,
    ) -> None:
        """Typed, what stands before a URL is the alias, and what follows the URL the prompt."""
        await ctx.defer()
        if ctx.interaction is None:
            alias, avatar, prompt = arrange(alias or "")
        wish = Wish(full_name=bare(name), alias=alias, avatar_url=avatar, prompt=prompt)
        await acknowledge(ctx, _added(await self._personalities.add(member_of(ctx), wish), self._mention()))

    @hybrid_command(aliases=["delete"], usage="NAME", description="Remove a personality that you added")
    @app_commands.describe(name=NAME)
    @app_commands.autocomplete(name=offer_personalities)
    async def remove(self, ctx: Context, *, name: str) -> None:
        """By full name or alias."""
        removed = await self._personalities.remove(member_of(ctx), bare(name))
        undo = services_of(self._bot).policy.command("undo")
        await acknowledge(ctx, f"{_removed(removed)} {undo} brings it back.")

    @hybrid_command(name="list", usage="[PAGE]", description="Show the personalities that you added")
    @app_commands.describe(page="Which ten of them; the first if you leave it out")
    async def list_(self, ctx: Context, page: int = 1) -> None:
        """Ten a page."""
        await show_page(ctx, "list", page)

    @hybrid_command(usage="NAME", description="Show everything about a personality")
    @app_commands.describe(name=NAME)
    @app_commands.autocomplete(name=offer_personalities)
    async def info(self, ctx: Context, *, name: str) -> None:
        """By full name or alias."""
        await reply(ctx, _details(await self._personalities.info(bare(name))), is_private=True)

    @hybrid_command(
        usage="NAME ALIAS",
        description="Give a personality another name to call it by",
        brief=QUOTING,
        extras={"example": "alias lilith mother of all"},
    )
    @app_commands.describe(name=NAME, alias="The new name; it may hold spaces and any script")
    @app_commands.autocomplete(name=offer_personalities)
    async def alias(self, ctx: Context, name: str, *, alias: str) -> None:
        """A name of several words goes into quotes; the alias is the rest of the line."""
        try:
            done = await self._personalities.alias(member_of(ctx), bare(name), bare(alias))
        except NotFoundError as error:
            if ctx.interaction is not None:
                raise
            raise NotFoundError(error.message, remedy=f"{error.remedy or ''} {QUOTING}.".lstrip()) from None
        await acknowledge(ctx, f"**{plain(done.personality.display_name)}** now also listens to {code(done.alias)}.")

    def _mention(self) -> str:
        return services_of(self._bot).policy.mention_char


def arrange(rest: str) -> tuple[str | None, str | None, str | None]:
    """Alias, avatar URL and prompt out of what was typed after the name; the prompt keeps its lines."""
    url = URL.search(rest)
    alias, avatar, prompt = (rest[: url.start()], url[0], rest[url.end() :]) if url else (rest, "", "")
    return bare(alias) or None, avatar or None, prompt.strip() or None


def _added(added: Added, mention: str) -> str:
    name = plain(added.personality.display_name)
    called = ", ".join(code(mention + alias) for alias in (added.personality.full_name, *added.aliases))
    word = "is back" if added.is_revived else "is here"
    return f"**{name}** {word}. Call it by {called}."


def _removed(removed: Removed) -> str:
    text = f"**{plain(removed.personality.display_name)}** is gone"
    if removed.aliases:
        text += f", and with it {_count(len(removed.aliases), 'alias', 'aliases')}"
    if removed.channel_ids:
        text += f"; it no longer answers in {' '.join(f'<#{channel_id}>' for channel_id in removed.channel_ids)}"
    return f"{text}."


@pages_of("list")
async def _list_page(services: Services, asked: Asked) -> Sheet:
    page = await services.personalities.list(asked.member, asked.number)
    return Sheet(_listed(page, services.policy.command("add NAME")), page.number, page.pages)


def _listed(page: Page[Personality], add: str) -> str:
    if not page.total:
        return f"You have not added a personality yet. {add} does it."
    head = f"**Your personalities** ({page.total}), page {page.number} of {page.pages}"
    return "\n".join([head, *(f"• {_names(personality)}" for personality in page.entries)])


def _names(personality: Personality) -> str:
    return f"**{plain(personality.display_name)}** {code(personality.full_name)}"


def _details(details: Details) -> str:
    personality = details.personality
    aliases = ", ".join(map(code, details.aliases[:SHOWN_ALIASES]))
    if len(details.aliases) > SHOWN_ALIASES:
        aliases += f" and {len(details.aliases) - SHOWN_ALIASES} more"
    lines = [
        _names(personality),
        f"Added by <@{personality.added_by}> <t:{int(personality.added_at.timestamp())}:D>"
        if personality.added_by
        else "Added by nobody who is still known",
        f"Listens to {aliases}" if aliases else "Has no alias",
    ]
    if details.channel_ids:
        lines.append("Answers everything in " + " ".join(f"<#{channel_id}>" for channel_id in details.channel_ids))
    if personality.avatar_url:
        lines.append(f"Avatar: <{personality.avatar_url}>")
    if personality.prompt:
        lines.append("Has a prompt of its own")
    return "\n".join(lines)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(PersonalityCog(bot))
