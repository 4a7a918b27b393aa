"""The table `auth_tokens`: a user's token for one personality or, under `*`, for all; encrypted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.model import EVERY_PERSONALITY, Login
from bot.store.cipher import Cipher
from bot.store.columns import from_json, to_json, to_text, to_text_or_none, to_time, to_time_or_none
from bot.store.statement import Query, Row, Statement, Value

TABLE = "auth_tokens"

PUT = """
INSERT INTO auth_tokens (user_id, personality_name, token, created_at, expires_at, last_used, extra)
VALUES (:user_id, :personality_name, :token, :created_at, :expires_at, :last_used, :extra)
ON CONFLICT (user_id, personality_name) DO UPDATE SET token = excluded.token, created_at = excluded.created_at,
    expires_at = excluded.expires_at, last_used = excluded.last_used, extra = excluded.extra
"""

TOUCH = (
    "UPDATE auth_tokens SET last_used = :now WHERE user_id = :user_id AND personality_name = :personality_name"
    " AND (last_used IS NULL OR last_used < :now)"
)


@dataclass(frozen=True, slots=True)
class LoginDates:
    """What is known of a login without its token, and so without a key."""

    personality_name: str
    created_at: datetime
    expires_at: datetime | None


def validity(dates: LoginDates) -> datetime:
    """Until when the login is valid, to compare logins by."""
    return dates.expires_at or datetime.max.replace(tzinfo=UTC)


def to_row(login: Login, cipher: Cipher) -> dict[str, Value]:
    """The parameters of `PUT`."""
    return {
        "user_id": login.user_id,
        "personality_name": login.personality_name,
        "token": cipher.encrypt(login.token, TABLE, "token", login.user_id),
        "created_at": to_text(login.created_at),
        "expires_at": to_text_or_none(login.expires_at),
        "last_used": to_text_or_none(login.last_used),
        "extra": to_json(login.extra),
    }


def put(login: Login, cipher: Cipher) -> Statement:
    """Insert or replace the user's token for that personality name."""
    return Statement(PUT, to_row(login, cipher))


def touch(user_id: int, personality_name: str, now: datetime) -> Statement:
    """Note that the token was used; the name is the one under which it is stored."""
    return Statement(TOUCH, {"user_id": user_id, "personality_name": personality_name, "now": to_text(now)})


def delete(user_id: int, personality_name: str = EVERY_PERSONALITY) -> Statement:
    """Forget the user's token for that personality name."""
    return Statement(
        "DELETE FROM auth_tokens WHERE user_id = :user_id AND personality_name = :name",
        {"user_id": user_id, "name": personality_name},
    )


def delete_all(user_id: int) -> Statement:
    """Forget every token of the user's; `Edit.record_logins` records it."""
    return Statement("DELETE FROM auth_tokens WHERE user_id = :user_id", {"user_id": user_id})


def find_expired(now: datetime, after: int, limit: int) -> Query[int]:
    """Users with a login past its date, by their ids, from above `after` on."""
    return Query(
        "SELECT DISTINCT user_id FROM auth_tokens WHERE user_id > :after AND expires_at <= :now"
        " ORDER BY user_id LIMIT :limit",
        lambda row: int(row["user_id"]),
        {"after": after, "now": to_text(now), "limit": limit},
    )


def delete_expired(user_ids: Sequence[int], now: datetime) -> Statement:
    """Forget those logins of these users that are past their date."""
    return Statement(
        "DELETE FROM auth_tokens WHERE user_id IN (SELECT value FROM json_each(:user_ids)) AND expires_at <= :now",
        {"user_ids": json.dumps([*user_ids]), "now": to_text(now)},
    )


def find_by_user(user_id: int, cipher: Cipher) -> Query[Login]:
    """All of a user's tokens, past their date or not."""
    return Query(
        "SELECT * FROM auth_tokens WHERE user_id = :user_id ORDER BY personality_name",
        lambda row: read(row, cipher),
        {"user_id": user_id},
    )


def find_dates(user_id: int) -> Query[LoginDates]:
    """All of a user's logins without their tokens, past their date or not, the one for all first."""
    return Query(
        "SELECT personality_name, created_at, expires_at FROM auth_tokens WHERE user_id = :user_id"
        " ORDER BY personality_name",
        lambda row: LoginDates(row["personality_name"], to_time(row["created_at"]), to_time_or_none(row["expires_at"])),
        {"user_id": user_id},
    )


def find_for(user_id: int, personality_name: str, cipher: Cipher) -> Query[Login]:
    """The token that counts for a personality: the exact one first, then the one for all."""
    return Query(
        "SELECT * FROM auth_tokens WHERE user_id = :user_id AND personality_name IN (:name, '*')"
        " ORDER BY personality_name = '*' LIMIT 1",
        lambda row: read(row, cipher),
        {"user_id": user_id, "name": personality_name},
    )


def read(row: Row, cipher: Cipher) -> Login:
    """The login in a row of the table, decrypted."""
    return Login(
        user_id=row["user_id"],
        personality_name=row["personality_name"],
        token=cipher.decrypt(row["token"], TABLE, "token", row["user_id"]),
        created_at=to_time(row["created_at"]),
        expires_at=to_time_or_none(row["expires_at"]),
        last_used=to_time_or_none(row["last_used"]),
        extra=from_json(row["extra"]),
    )
