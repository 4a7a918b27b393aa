"""The table `blacklist`: users who are ignored without a word, in one server or everywhere, and whole servers."""

# ruff: noqa: S608 - every piece of SQL put together here is a constant of this module

from dataclasses import dataclass
from datetime import datetime

from bot.model import EVERYWHERE, Ban
from bot.store.changes import Action, Condition, Edit, Kind, ban_subject
from bot.store.columns import from_json, to_json, to_text, to_text_or_none, to_time, to_time_or_none
from bot.store.statement import Query, Row, Statement, Value

PUT = """
INSERT INTO blacklist (user_id, guild_id, reason, blacklisted_by, blacklisted_at, expires_at, extra)
VALUES (:user_id, :guild_id, :reason, :blacklisted_by, :blacklisted_at, :expires_at, :extra)
ON CONFLICT (user_id, guild_id) DO UPDATE SET reason = excluded.reason, blacklisted_by = excluded.blacklisted_by,
    blacklisted_at = excluded.blacklisted_at, expires_at = excluded.expires_at, extra = excluded.extra
"""

COUNTS = "(expires_at IS NULL OR expires_at > :now)"
"""Whether a ban counts; one that has run out is as good as absent, to the millisecond."""

BARRED = f"user_id IN (:author_id, 0) AND guild_id IN (:guild_id, 0) AND {COUNTS}"
"""The bans of an author in a server, everywhere, and of the whole server: key look-ups, with `barring`'s parameters."""

BARRED_UNTIL = (
    """
        CASE WHEN EXISTS (SELECT 1 FROM blacklist WHERE user_id = :author_id) THEN (
            SELECT max(coalesce(expires_at, '9999')) FROM blacklist
            WHERE user_id = :author_id AND (guild_id = 0 OR guild_id = :guild_id)
        ) END
    """,
    "(SELECT coalesce(expires_at, '9999') FROM blacklist WHERE user_id = 0 AND guild_id = :guild_id)",
)
"""Until when the author is barred, and until when the whole server: NULL for most.

A message's read has these two, because they need no moment as text, which alone costs a tenth of it; and it asks first
whether there is a row, as most authors have none and the maximum of nothing costs more than that.
"""


def barring(user_id: int, guild_id: int | None, now: datetime) -> dict[str, Value]:
    """The parameters of `BARRED`; in direct messages there is no server."""
    return {"author_id": user_id, "guild_id": guild_id or EVERYWHERE, "now": to_text(now)}


def is_past(until: str | None, now: datetime) -> bool:
    """Whether a time of `BARRED_UNTIL` is over, or there is none."""
    return until is None or until <= to_text(now)


def to_row(ban: Ban) -> dict[str, Value]:
    """The parameters of `PUT`."""
    return {
        "user_id": ban.user_id,
        "guild_id": ban.guild_id,
        "reason": ban.reason,
        "blacklisted_by": ban.blacklisted_by,
        "blacklisted_at": to_text(ban.blacklisted_at),
        "expires_at": to_text_or_none(ban.expires_at),
        "extra": to_json(ban.extra),
    }


def put(ban: Ban) -> Statement:
    """Insert or replace."""
    return Statement(PUT, to_row(ban))


def delete(user_id: int, guild_id: int = EVERYWHERE) -> Statement:
    """Hear the user again, there."""
    return Statement(
        "DELETE FROM blacklist WHERE user_id = :user_id AND guild_id = :guild_id",
        {"user_id": user_id, "guild_id": guild_id},
    )


def get(user_id: int, guild_id: int = EVERYWHERE) -> Query[Ban]:
    """The entry of exactly this user and place, run out or not."""
    return Query(
        "SELECT * FROM blacklist WHERE user_id = :user_id AND guild_id = :guild_id",
        read,
        {"user_id": user_id, "guild_id": guild_id},
    )


@dataclass(frozen=True, slots=True)
class Scope:
    """Which bans: those of a server, or with `EVERYWHERE` all there are; `with_everywhere` those of all servers too."""

    guild_id: int
    with_everywhere: bool

    @property
    def condition(self) -> str:
        """The scope as SQL, with `parameters`."""
        if self.with_everywhere:
            return "TRUE" if self.guild_id == EVERYWHERE else "guild_id IN (:guild_id, 0)"
        return "guild_id = :guild_id AND user_id <> 0"

    @property
    def parameters(self) -> dict[str, Value]:
        """What the condition needs."""
        return {"guild_id": self.guild_id}


def count(scope: Scope, now: datetime) -> Query[int]:
    """How many bans count."""
    return Query(
        f"SELECT count(*) AS n FROM blacklist WHERE {scope.condition} AND {COUNTS}",
        lambda row: int(row["n"]),
        {**scope.parameters, "now": to_text(now)},
    )


def find_page(scope: Scope, now: datetime, limit: int, offset: int = 0) -> Query[Ban]:
    """A page of the bans that count, the newest first."""
    return Query(
        f"SELECT * FROM blacklist WHERE {scope.condition} AND {COUNTS}"
        " ORDER BY blacklisted_at DESC, user_id, guild_id LIMIT :limit OFFSET :offset",
        read,
        {**scope.parameters, "now": to_text(now), "limit": limit, "offset": offset},
    )


def lift(user_id: int, guild_id: int, edit: Edit) -> list[Statement]:
    """Delete the ban with its record, if it counts; the last outcome has its row."""
    return _delete_where(user_id, guild_id, edit, COUNTS)


def find_run_out(now: datetime, limit: int) -> Query[Ban]:
    """Some of the bans that have run out."""
    return Query(
        "SELECT * FROM blacklist WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit",
        read,
        {"now": to_text(now), "limit": limit},
    )


def end(ban: Ban, edit: Edit) -> list[Statement]:
    """Delete a ban that has run out, with its record, unless it was renewed meanwhile."""
    return _delete_where(ban.user_id, ban.guild_id, edit, "expires_at <= :now")


def _delete_where(user_id: int, guild_id: int, edit: Edit, condition: str) -> list[Statement]:
    moment: dict[str, Value] = {"now": to_text(edit.now)}
    return [
        edit.record_present(Kind.BAN, Action.DELETE, ban_subject(user_id, guild_id), Condition(condition, moment)),
        Statement(
            f"DELETE FROM blacklist WHERE user_id = :user_id AND guild_id = :guild_id AND {condition} RETURNING *",
            {**moment, "user_id": user_id, "guild_id": guild_id},
        ),
    ]


def find_barring(user_id: int, guild_id: int | None, now: datetime) -> Query[Ban]:
    """Every ban because of which the user is ignored there; none in `guild_id` None, a direct message, of a server."""
    return Query(f"SELECT * FROM blacklist WHERE {BARRED}", read, barring(user_id, guild_id, now))


def read(row: Row) -> Ban:
    """The entry in a row of the table."""
    return Ban(
        user_id=row["user_id"],
        guild_id=row["guild_id"],
        reason=row["reason"],
        blacklisted_by=row["blacklisted_by"],
        blacklisted_at=to_time(row["blacklisted_at"]),
        expires_at=to_time_or_none(row["expires_at"]),
        extra=from_json(row["extra"]),
    )
