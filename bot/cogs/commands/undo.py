"""The command that takes back its author's last change, after a question."""

import discord
from discord.ext import commands

from bot.cogs.admission import presser_of
from bot.cogs.context import Context, code, hybrid_command, member_of, place_of, plain, services_of
from bot.cogs.replies.acknowledging import acknowledge
from bot.cogs.replies.asking import Agreement, AnswerButton, Answers, ask
from bot.model import EVERYBODY, EVERYWHERE, Place
from bot.rules.undo import Action, Kind, Preview, Step
from bot.services.undo import Undo

YES, NO = "Take it back", "Leave it"


class UndoCog(commands.Cog):
    """Second thoughts."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @property
    def _undo(self) -> Undo:
        return services_of(self._bot).undo

    @hybrid_command(description="Take back your last change")
    async def undo(self, ctx: Context) -> None:
        """A personality, alias, activation, login, verification or ban; the second time the change before it."""
        member = member_of(ctx)
        shown = await self._undo.preview(member, place_of(ctx))
        agreement = await self._ask(ctx, shown)
        # Their rights, and whether anything is accepted, may have changed while the question stood.
        if agreement is None:
            return
        member = presser_of(agreement.interaction)
        if await services_of(self._bot).gate.admit(member, "undo", place_of(ctx)):
            done = await self._undo.undo(member, place_of(ctx), shown)
            await acknowledge(ctx, f"Taken back: {_effect(done, place_of(ctx))}", is_private=True)

    async def _ask(self, ctx: Context, shown: Preview) -> Agreement | None:
        timeout = services_of(self._bot).policy.undo_question_timeout.total_seconds()
        when = discord.utils.format_dt(shown.reversal.main.changed_at, "R")
        place = place_of(ctx)
        text = f"Your last change: {_deed(shown, place)} {when}.\nIf I take that back, {_effect(shown, place)}"
        return await ask(ctx, text, Answers(YES, NO, timeout))


def _deed(shown: Preview, place: Place) -> str:
    """What the author did, as the rest of a sentence that ends with when."""
    main, is_put = shown.main, shown.reversal.main.action is Action.PUT
    match main.kind:
        case Kind.PERSONALITY:
            did = "changed the settings of" if _is_setting(main) else "added" if is_put else "removed"
            return f"you {did} {_name(main)}"
        case Kind.ALIAS:
            return f"you gave {_owner(main, now=True)} the alias {code(main.subject)}"
        case Kind.ACTIVATION:
            return f"you {'activated' if is_put else 'stopped'} {_owner(main, now=is_put)} here"
        case Kind.LOGIN:
            return "you logged in" if is_put else "you made me forget your login"
        case Kind.VERIFICATION:
            return "you were verified"
        case _:  # a ban: of what is only a record nothing is shown
            return f"you {'barred' if is_put else 'stopped barring'} {' '.join(_barred(main, place))}"


def _effect(shown: Preview, place: Place) -> str:
    """What is so when it is taken back, as a sentence that begins small."""
    main = shown.main
    match main.kind:
        case Kind.PERSONALITY:
            return _personality_effect(shown)
        case Kind.ALIAS:
            to = f"stands for {_owner(main, now=False)} again" if main.then else "stands for nobody"
            return f"{code(main.subject)} {to}."
        case Kind.ACTIVATION if main.then:
            return f"{_owner(main, now=False)} answers every message here again."
        case Kind.ACTIVATION:
            return "nobody answers every message here any more."
        case Kind.LOGIN | Kind.VERIFICATION:
            state = "logged in" if main.kind is Kind.LOGIN else "verified"
            return f"you are {state} as before." if main.then else f"you are not {state}."
        case _:
            whom, where = _barred(main, place)
            return f"{whom} {'is barred as before' if main.then else 'can use me again'} {where}."


def _personality_effect(shown: Preview) -> str:
    names = ", ".join(code(step.subject) for step in shown.of(Kind.ALIAS))
    channels = " ".join(f"<#{step.subject}>" for step in shown.of(Kind.ACTIVATION))
    if _is_setting(shown.main):
        return f"{_name(shown.main)} has its settings of before."
    if not shown.main.will_be_present:
        also = f", and with it {names}" if names else ""
        silent = f"; it no longer answers in {channels}" if channels else ""
        return f"{_name(shown.main)} is gone{also}{silent}."
    also = f", and listens to {names}" if names else ""
    active = f"; it answers every message in {channels}" if channels else ""
    return f"{_name(shown.main)} is back{also}{active}."


def _is_setting(step: Step) -> bool:
    """Whether the personality was here before the change, and still is."""
    return step.is_present and step.will_be_present


def _name(step: Step) -> str:
    state = step.now if step.is_present else step.then
    return f"**{plain(str((state or {}).get('display_name', step.subject)))}**"


def _barred(step: Step, place: Place) -> tuple[str, str]:
    """Whom a ban is about, and where it counts."""
    user_id, guild_id = map(int, step.subject.split(" "))
    whom = "everybody" if user_id == EVERYBODY else f"<@{user_id}>"
    if guild_id == EVERYWHERE:
        return whom, "everywhere"
    return whom, "in this server" if guild_id == place.guild_id else f"in the server {guild_id}"


def _owner(step: Step, *, now: bool) -> str:
    state = step.now if now else step.then
    return code(str((state or {}).get("personality_name", "nobody")))


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    bot.add_dynamic_items(AnswerButton)
    await bot.add_cog(UndoCog(bot))
