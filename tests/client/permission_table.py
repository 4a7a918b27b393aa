"""Who may use which command, where, and what they are told: one row for each command, one cell for each permission.

The columns of people, all in an age-restricted channel of a server but where it says otherwise:

| column | who                                                        | column | who                                     |
|--------|------------------------------------------------------------|--------|-----------------------------------------|
| none   | Nora, not logged in                                        | crea   | Cleo, a plain member who added Lilith   |
| late   | Emil, whose login has expired                              | own    | Olga, the bot's owner, a plain member   |
| ban    | Bert, barred everywhere                                    | open   | Mira, in a channel that is open to all  |
| here   | Hera, barred in this server                                | dm+    | Cleo, verified, in a direct message     |
| memb   | Mona, logged in, a plain member                            | dm-    | Mona, not verified, in a direct message |
| mod    | Mira, with the permission Manage Messages                  | dmo    | Olga, in a direct message               |
| adm    | Adam, an administrator of the server                       | dmh    | Hera, in a direct message               |

What a cell says: `yes`, the command runs; `-`, not a word; anything else is a refusal, see `REFUSALS`. Each cell is tried typed
and with a slash, unless the row is for one of them, and with a slash as if a server's administrators had
offered every command to everybody.
"""

# ruff: noqa: E501 - a table is as wide as it is

from dataclasses import dataclass, field
from typing import Any

COLUMNS = ("none", "late", "ban", "here", "memb", "mod", "adm", "crea", "own", "open", "dm+", "dm-", "dmo", "dmh")

REFUSALS = {
    "login": "You are not logged in yet",
    "late": "Your login has expired",
    "mm": "Manage Messages",
    "adm": "Only administrators of this server",
    "own": "Only the bot's owner",
    "serv": "This only works in a server's channel",
    "nsfw": "This only works in a channel marked as age-restricted",
}
"""What is said where the command does not run: no handler is reached."""

DENIALS = {
    "crea": "Only who added",
    "seen": "must not be shown to others",
    "age": "can't tell that you are of age",
}
"""What is said where only the command itself can tell, because it looks at what it would change; nothing is changed."""

TYPED, SLASH = "typed", "slash"


@dataclass(frozen=True)
class Row:
    """`says` are a few words of what is said where it runs, or-ed with `|`; `is_public` where others see a slash's answer.

    In `typed` and in the options of the slash, `{tom}` is a user, `{code}` a login code, `{server}` a server's id.
    """

    command: str
    cells: str
    says: str
    typed: str = ""
    slash: dict[str, Any] = field(default_factory=dict)
    is_public: bool = False
    ways: tuple[str, ...] = (TYPED, SLASH)

    @property
    def by_column(self) -> dict[str, str]:
        return dict(zip(COLUMNS, self.cells.split(), strict=True))


LILITH = {"name": "lilith"}
TOM = {"user": "{tom}"}

# fmt: off
ROWS = (
    #                           none  late ban here memb mod  adm  crea own   open dm+  dm-  dmo  dmh
    Row(
        "autorespond",
        "login late -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes",
        "It is off",
        ways=(TYPED,),
    ),
    Row("autorespond on", "login late -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "From now on"),
    Row("autorespond off", "login late -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "As before"),
    Row("autorespond status", "login late -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "It is off"),
    Row("reset", "login late -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "no conversation running"),
    Row(
        "add",
        "login late -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes",
        "is here",
        "naamah",
        {"name": "naamah"},
        is_public=True,
    ),
    Row(
        "remove",
        "login late -   -   crea crea crea yes  yes   crea yes  crea yes  crea",
        "is gone",
        "lilith",
        LILITH,
        is_public=True,
    ),
    Row(
        "list",
        "login late -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes",
        "You have not added|Your personalities",
    ),
    Row("info", "login late -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "Added by", "lilith", LILITH),
    Row(
        "alias",
        "login late -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes",
        "now also listens",
        "lilith mother",
        {**LILITH, "alias": "mother"},
        is_public=True,
    ),
    Row(
        "config",
        "login late -   -   crea crea crea yes  yes   crea yes  crea yes  crea",
        "is changed",
        "lilith context on",
        {**LILITH, "option": "context", "value": "on"},
    ),
    Row(
        "activate",
        "login late -   -   mm   yes  yes  mm   mm    nsfw serv serv serv serv",
        "now answers every message",
        "lilith",
        LILITH,
        is_public=True,
    ),
    Row(
        "deactivate",
        "login late -   -   mm   yes  yes  mm   mm    yes  serv serv serv serv",
        "no longer answers",
        is_public=True,
    ),
    Row(
        "blacklist",
        "login late -   -   adm  adm  yes  adm  yes   adm  adm  adm  yes  adm",
        "lets me ignore somebody",
        ways=(TYPED,),
    ),
    Row(
        "blacklist add",
        "login late -   -   adm  adm  yes  adm  yes   adm  adm  adm  yes  adm",
        "I ignore",
        "{tom}",
        TOM,
    ),
    Row(
        "blacklist remove",
        "login late -   -   adm  adm  yes  adm  yes   adm  adm  adm  yes  adm",
        "From now on I hear",
        "{tom}",
        TOM,
    ),
    Row("blacklist list", "login late -   -   adm  adm  yes  adm  yes   adm  adm  adm  yes  adm", "ignore"),
    Row(
        "blacklist check",
        "login late -   -   adm  adm  yes  adm  yes   adm  adm  adm  yes  adm",
        "everywhere",
        "{tom}",
        TOM,
    ),
    Row(
        "blacklist addserver",
        "login late -   -   own  own  own  own  yes   own  own  own  yes  own",
        "I ignore",
        "{server}",
        {"server": "{server}"},
    ),
    Row(
        "blacklist removeserver",
        "login late - -  own  own  own  own  yes   own  own  own  yes  own",
        "From now on I hear",
        "{server}",
        {"server": "{server}"},
    ),
    Row(
        "auth",
        "yes   yes  -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes",
        "sends you a link",
        ways=(TYPED,),
    ),
    Row("auth start", "yes   yes  -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "the link|Authorize me"),
    Row(
        "auth code",
        "seen  seen -   -   seen seen seen seen seen  seen yes  yes  yes  yes",
        "You are logged in",
        "{code}",
        ways=(TYPED,),
    ),
    Row("auth code", "yes   yes  -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "", ways=(SLASH,)),
    Row("auth status", "yes   yes  -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "logged in|run out"),
    Row(
        "auth revoke",
        "yes   yes  -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes",
        "forgotten|nothing to forget",
    ),
    Row("auth cleanup", "adm   adm  -   -   adm  adm  yes  adm  yes   adm  adm  adm  yes  adm", "run out"),
    Row("verify", "login late -   -   yes  yes  yes  yes  yes   yes  age  age  age  age", "You are verified"),
    Row("undo", "yes   yes  -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "nothing of yours"),
    Row("help", "yes   yes  -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "Talk to a personality"),
    Row("ping", "login late -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "I am here"),
    Row("status", "login late -   -   yes  yes  yes  yes  yes   yes  yes  yes  yes  yes", "I remember"),
)
# fmt: on

SPEAKING = dict(
    zip(
        COLUMNS,
        ["login", "late", "-", "-", "yes", "yes", "yes", "yes", "yes", "open", "yes", "ver", "ver", "ver"],
        strict=True,
    )
)
"""What comes of `@lil hello`, which is no command: an answer of Lilith's, not a word, or a refusal."""

SPEECHLESS = {
    "login": "You are not logged in yet",
    "late": "Your login has expired",
    "open": "Personalities only speak in channels marked as age-restricted",
    "ver": "I only answer people who are age-verified",
}
