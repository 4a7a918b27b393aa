"""The settings of a personality, which only who added it, or the bot's owner, sees and changes."""

from dataclasses import dataclass

from bot.errors import InvalidInputError, NotAllowedError
from bot.model import NOBODY, Clock, Member, Personality, utc_now
from bot.rules.commands.options import FOR_THE_OWNER, Option, option_of, switch_of, text_of
from bot.rules.dialogue.prompt import has_context
from bot.rules.wording import quoted
from bot.services.personalities.finding import find
from bot.services.policy import Policy
from bot.store import personalities
from bot.store.changes import Edit, owned_by
from bot.store.personalities import Configured, Setting
from bot.store.statement import Store, Value

COLUMNS = {
    Option.CONTEXT: Configured.CONTEXT,
    Option.PROMPT: Configured.PROMPT,
    Option.AVATAR: Configured.AVATAR,
    Option.MODEL: Configured.MODEL,
}


@dataclass(frozen=True, slots=True)
class Values:
    """A personality's settings as they are; None where it has no value of its own."""

    personality: Personality
    context: bool
    prompt: str | None
    avatar: str | None
    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """`has_profiles` where a profile endpoint says what a personality looks like, again and again."""

    store: Store
    policy: Policy
    has_profiles: bool
    clock: Clock = utc_now

    async def show(self, member: Member, name: str) -> Values:
        """The settings of a personality, by name or alias. Raises NotFoundError or NotAllowedError."""
        personality = await find(self.store, name, self.policy.mention_char)
        if member.user_id not in {personality.added_by, self.policy.owner_id} - {NOBODY}:
            raise _refusal(personality)
        return _values(personality)

    async def set(self, member: Member, name: str, option: str, value: str) -> Option:
        """Change one setting, as it is typed; the statement itself changes nothing that is not the member's.

        Raises NotFoundError, InvalidInputError for what can't be set or not to that, NotAllowedError.
        """
        wanted = option_of(option)
        self._require_effect(wanted)
        typed = self._value(wanted, value)
        personality = await find(self.store, name, self.policy.mention_char)
        owned = owned_by(member.user_id, self.policy.owner_id, is_for_creator=wanted not in FOR_THE_OWNER)
        edit = Edit(member.user_id, self.clock())
        outcomes = await self.store.write(
            *personalities.configure(personality.full_name, Setting(COLUMNS[wanted], typed), owned, edit)
        )
        if not outcomes[-1].count:
            raise _refusal(personality, wanted)
        return wanted

    def _require_effect(self, option: Option) -> None:
        if option is Option.AVATAR and self.has_profiles:
            raise InvalidInputError("Here a personality's picture comes from its profile, which would replace yours.")

    def _value(self, option: Option, typed: str) -> Value:
        if option is Option.CONTEXT:
            return "true" if switch_of(typed) else "false"
        return text_of(option, typed)


def _values(personality: Personality) -> Values:
    return Values(
        personality=personality,
        context=has_context(personality),
        prompt=personality.prompt,
        avatar=personality.avatar_url,
        model=personality.model,
    )


def _refusal(personality: Personality, option: Option | None = None) -> NotAllowedError:
    if option in FOR_THE_OWNER:
        return NotAllowedError(f"Only the bot's owner may set the {option} of a personality.")
    name = personality.full_name
    return NotAllowedError(f"Only who added {quoted(name)}, or the bot's owner, may see or change its settings.")
