"""What the help says, put together from what the commands say of themselves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PAGE_LENGTH = 1900


@dataclass(frozen=True, slots=True)
class Argument:
    """What a command is given; `choices` are all that it takes, where it takes only some."""

    name: str
    description: str
    is_needed: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """A command as its help shows it; `typed` is how it is typed, `below` are its subcommands with what they do."""

    typed: str
    description: str
    terms: str
    note: str = ""
    arguments: tuple[Argument, ...] = ()
    aliases: tuple[str, ...] = ()
    example: str = ""
    below: tuple[tuple[str, str], ...] = ()


def explain(command: Explained) -> str:
    """Everything about one command."""
    lines = [f"`{command.typed}`", f"{command.description}."]
    if command.note:
        lines.append(f"{command.note}.")
    lines += [_argument_line(argument) for argument in command.arguments]
    lines += [f"• `{usage}` {description}" for usage, description in command.below]
    lines.append(f"Who may use it: {command.terms}.")
    if command.aliases:
        lines.append("Also called " + ", ".join(f"`{alias}`" for alias in command.aliases) + ".")
    if command.example:
        lines.append(f"For example `{command.example}`.")
    return "\n".join(lines)


def _argument_line(argument: Argument) -> str:
    optional = "" if argument.is_needed else " (optional)"
    choices = f": {', '.join(argument.choices)}" if argument.choices else ""
    return f"• **{argument.name}**{optional}: {argument.description}{choices}"


def paged(head: str, blocks: Iterable[Sequence[str]]) -> list[str]:
    """Blocks of lines, each with its heading first, on as few pages as they fill; a heading never stands alone.

    An empty heading is none.
    """
    pages = [[head]]
    for heading, *lines in blocks:
        top = [heading] if heading else []
        for number, line in enumerate(lines):
            added = ["", *top, line] if number == 0 else [line]
            if _length([*pages[-1], *added]) > PAGE_LENGTH:
                pages.append([])
                added = [*top, line]
            pages[-1] += added
    return ["\n".join(lines).strip() for lines in pages]


def _length(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)
