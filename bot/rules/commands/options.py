"""What the owner of a personality may set, and how it is typed."""

from enum import StrEnum

from bot.errors import InvalidInputError
from bot.rules.commands.names import check_avatar_url, check_prompt
from bot.rules.wording import quoted

MODEL_MAX = 200
YES = frozenset({"on", "yes", "true", "enable", "enabled"})
NO = frozenset({"off", "no", "false", "disable", "disabled"})
NOTHING = frozenset({"none", "clear", "default"})


class Option(StrEnum):
    """A personality's settings by the names that people type."""

    CONTEXT = "context"
    PROMPT = "prompt"
    AVATAR = "avatar"
    MODEL = "model"


OLD_NAMES = {"context-metadata": Option.CONTEXT, "metadata": Option.CONTEXT}
"""What the original's users type."""
FOR_THE_OWNER = frozenset({Option.MODEL})
"""What the bot's owner alone sets, who pays for what the AI service is asked."""


def option_of(typed: str) -> Option:
    """The option of that name; raises InvalidInputError."""
    name = typed.strip().lower()
    try:
        return OLD_NAMES.get(name.replace("_", "-")) or Option(name)
    except ValueError:
        listed = ", ".join(f"`{option}`" for option in Option)
        raise InvalidInputError(
            f"There is no setting {quoted(typed.strip()[:50])}.",
            remedy=f"I have {listed}; a personality's name of several words goes between quotation marks.",
        ) from None


def switch_of(typed: str) -> bool:
    """On or off, also where the option's old name of two words was typed; raises InvalidInputError."""
    word = typed.strip().lower().removeprefix("metadata").strip()
    if word not in YES | NO:
        raise InvalidInputError("This setting is either `on` or `off`.")
    return word in YES


def text_of(option: Option, typed: str) -> str | None:
    """The text that the option is set to, None for the words that clear it; raises InvalidInputError."""
    text = typed.strip()
    if text.lower() in NOTHING:
        return None
    if option is Option.PROMPT:
        return check_prompt(text)
    if option is Option.AVATAR:
        return check_avatar_url(text.strip("<>"))
    if len(text) > MODEL_MAX or not text.isprintable() or " " in text:
        raise InvalidInputError(f"A model's name has at most {MODEL_MAX} characters and no spaces.")
    return text
