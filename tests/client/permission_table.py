"""Who may use which command, where, and what they are told: one row for each command, one cell for each permission.

The columns of people, all in an age-restricted channel of a server but where it says otherwise:

| column | who                                    | column | who                                     |
|--------|----------------------------------------|--------|-----------------------------------------|
| none   | Nora, not logged in                    | crea   | Cleo, a plain member who added Lilith   |
| late   | Emil, whose login has expired          | own    | Olga, the bot's owner, a plain member   |
| ban    | Bert, barred everywhere                | open   | Mira, in a channel that is open to all  |
| here   | Hera, barred in this server            | dm+    | Cleo, verified, in a direct message     |
| memb   | Mona, logged in, a plain member        | dm-    | Mona, not verified, in a direct message |
| mod    | Mira, who has Manage Messages          | dmo    | Olga, in a direct message               |
| srv    | Sven, who has Manage Server            | dmh    | Hera, in a direct message               |
| adm    | Adam, an administrator of the server   |        |                                         |

What a cell says: `yes`, the command runs, and of what is said there are a few words in the last column, or-ed with `/`;
`-`, not a word; anything else is a refusal, see below. Each cell is tried typed and with a slash, where the row does not name
one way, and with a slash as if a server's administrators had offered every command to everybody. A context menu is
chosen on an answer of Lilith's to Cleo, in a direct message on one to whom it belongs.
"""

# ruff: noqa: E501 - a table is as wide as it is

from dataclasses import dataclass, field
from typing import Any

TABLE = """
command                | none  late ban here memb mod  srv  adm  crea own   open dm+  dm-  dmo  dmh  | says
autorespond (typed)    | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | It is off
autorespond on         | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | From now on
autorespond off        | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | As before
autorespond status     | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | It is off
reset                  | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | no conversation running
Delete answer (menu)   | del   del  -   -    del  yes  del  yes  yes  del   yes  yes  yes  yes  yes  | It is deleted
Who is this? (menu)    | yes   yes  -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | lilith
Try again (menu)       | login late -   -    ret  ret  ret  ret  yes  ret   ret  yes  ver  ver  ver  | The new answer is there
add                    | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | is here
remove                 | login late -   -    crea crea crea crea yes  yes   crea yes  crea yes  crea | is gone
list                   | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | You have not added / Your personalities
info                   | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | Added by
alias                  | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | now also listens
config                 | login late -   -    crea crea crea crea yes  yes   crea yes  crea yes  crea | is on now
activate               | login late -   -    mm   yes  mm   yes  mm   mm    nsfw serv serv serv serv | now answers every message
deactivate             | login late -   -    mm   yes  mm   yes  mm   mm    yes  serv serv serv serv | no longer answers
blacklist (typed)      | login late -   -    adm  adm  adm  yes  adm  yes   adm  adm  adm  yes  adm  | lets me ignore somebody
blacklist add          | login late -   -    adm  adm  adm  yes  adm  yes   adm  adm  adm  yes  adm  | I ignore
blacklist remove       | login late -   -    adm  adm  adm  yes  adm  yes   adm  adm  adm  yes  adm  | From now on I hear
blacklist list         | login late -   -    adm  adm  adm  yes  adm  yes   adm  adm  adm  yes  adm  | ignore
blacklist check        | login late -   -    adm  adm  adm  yes  adm  yes   adm  adm  adm  yes  adm  | everywhere
blacklist addserver    | login late -   -    own  own  own  own  own  yes   own  own  own  yes  own  | I ignore
blacklist removeserver | login late -   -    own  own  own  own  own  yes   own  own  own  yes  own  | From now on I hear
auth (typed)           | yes   yes  -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | sends you a link
auth start             | yes   yes  -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | the link / Authorize me
auth code (typed)      | seen  seen -   -    seen seen seen seen seen seen  seen yes  yes  yes  yes  | You are logged in
auth code (slash)      | yes   yes  -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | a form: Your code
auth status            | yes   yes  -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | logged in / run out
auth revoke            | yes   yes  -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | forgotten / nothing to forget
auth cleanup           | adm   adm  -   -    adm  adm  adm  yes  adm  yes   adm  adm  adm  yes  adm  | run out
notifications (typed)  | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | I am version
notifications on       | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | From now on I tell you
notifications off      | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | From now on I tell you
notifications status   | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | I am version
notifications level    | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | From now on I tell you
verify                 | login late -   -    yes  yes  yes  yes  yes  yes   yes  age  age  age  age  | You are verified
purgbot                | login late -   -    dir  dir  dir  dir  dir  dir   dir  yes  yes  yes  yes  | delete
undo                   | yes   yes  -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | nothing of yours
help                   | yes   yes  -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | Talk to a personality
debug                  | login late -   -    adm  adm  adm  yes  adm  yes   adm  adm  adm  yes  adm  | The last upload / copy / webhook
ping                   | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | I am here
status                 | login late -   -    yes  yes  yes  yes  yes  yes   yes  yes  yes  yes  yes  | I remember
"""

SPEAKING = """
said                   | none  late ban here memb mod  srv  adm  crea own   open dm+  dm-  dmo  dmh  | says
@lil hello             | login late -   -    yes  yes  yes  yes  yes  yes   safe yes  ver  ver  ver  | hello
"""
"""What is no command: an answer of Lilith's, not a word, or a refusal."""

REFUSALS = {
    "login": "You are not logged in yet",
    "late": "Your login has expired",
    "mm": "Manage Messages",
    "adm": "Only administrators of this server",
    "own": "Only the bot's owner",
    "serv": "This only works in a server's channel",
    "dir": "This only works in a direct message",
    "nsfw": "This only works in a channel marked as age-restricted",
}
"""What is said where the command does not run: no handler is reached."""

DENIALS = {
    "crea": "Only who added",
    "seen": "must not be shown to others",
    "age": "can't tell that you are of age",
    "del": "Only the person whom this answers may delete it",
    "ret": "Only the person whom this answers can have another answer",
    "safe": "Personalities only speak in channels marked as age-restricted",
    "ver": "I only answer people who are age-verified",
}
"""What is said where that can be told only by looking at what would be changed; nothing is changed."""


@dataclass(frozen=True)
class Given:
    """What follows a command, typed and with a slash; `is_public` where others see the slash's answer.

    `{tom}` is a user, `{code}` a login code, `{server}` a server's id.
    """

    typed: str = ""
    slash: dict[str, Any] = field(default_factory=dict)
    is_public: bool = False


LILITH = {"name": "lilith"}
GIVEN = {
    "add": Given("naamah", {"name": "naamah"}, is_public=True),
    "remove": Given("lilith", LILITH, is_public=True),
    "info": Given("lilith", LILITH),
    "alias": Given("lilith mother", {**LILITH, "alias": "mother"}, is_public=True),
    "config": Given("lilith context on", {**LILITH, "option": "context", "value": "on"}),
    "activate": Given("lilith", LILITH, is_public=True),
    "deactivate": Given(is_public=True),
    "blacklist add": Given("{tom}", {"user": "{tom}"}),
    "blacklist remove": Given("{tom}", {"user": "{tom}"}),
    "blacklist check": Given("{tom}", {"user": "{tom}"}),
    "blacklist addserver": Given("{server}", {"server": "{server}"}),
    "blacklist removeserver": Given("{server}", {"server": "{server}"}),
    "auth code": Given("{code}"),
    "notifications level": Given("major", {"level": "major"}),
}

TYPED, SLASH, MENU = "typed", "slash", "menu"


@dataclass(frozen=True)
class Row:
    """One line of a table; `cells` by column."""

    command: str
    ways: tuple[str, ...]
    cells: dict[str, str]
    says: tuple[str, ...]

    @property
    def given(self) -> Given:
        return GIVEN.get(self.command, Given())


def rows_of(table: str) -> list[Row]:
    head, *lines = (line.split("|") for line in table.strip().splitlines())
    columns = head[1].split()
    rows = []
    for name, cells, says in lines:
        command, _, way = name.strip().removesuffix(")").partition(" (")
        by_column = dict(zip(columns, cells.split(), strict=True))
        rows.append(Row(command, (way,) if way else (TYPED, SLASH), by_column, tuple(says.strip().split(" / "))))
    return rows


ROWS = rows_of(TABLE)
[SPOKEN] = rows_of(SPEAKING)
