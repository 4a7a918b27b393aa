"""Logins and verifications: `auth_tokens.json` and `nsfw_verified.json` (flat), `auth.json` (nested)."""

# ruff: noqa: S608 - every piece of SQL put together here is a constant

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson

from bot.model import Secret
from bot.store.cipher import Cipher
from bot.store.engine import RawConnection
from bot.store.files.plan import FileContent, Format
from bot.store.legacy.auth import is_blacklisted
from bot.store.legacy.encoding import text
from bot.store.legacy.encoding.members import SAYABLE_BAN
from bot.store.legacy.encoding.record import Draft, Facts
from bot.store.legacy.folder import AUTH, TOKENS, VERIFIED
from bot.store.legacy.personalities import NESTED
from bot.store.legacy.record import IMPORT_KEY, SEALED_KEY

NEVER_MS = 8_640_000_000_000_000
"""The last moment that JavaScript knows: a flat login without a date would end after thirty days."""

LOGIN_KEYS = frozenset({"token", "createdAt", "expiresAt", "nsfwStatus"})
STATUS_KEYS = frozenset({"verified", "verifiedAt", "timestamp", "token"})
USER_KEYS = frozenset({"userId", "token", "nsfwStatus", "savedAt"})

LOGINS = "SELECT *, extra AS login_extra FROM auth_tokens WHERE personality_name = '*' ORDER BY user_id"
VERIFICATIONS = "SELECT *, extra AS status_extra FROM nsfw_verifications ORDER BY user_id"
USERS = f"""
SELECT u.user_id, t.token, t.created_at, t.expires_at, t.extra AS login_extra,
    v.is_verified, v.verified_at, v.recorded_at, v.extra AS status_extra,
    EXISTS (SELECT 1 FROM blacklist AS b WHERE b.user_id = u.user_id AND {SAYABLE_BAN}) AS is_blacklisted
FROM (
    SELECT user_id FROM auth_tokens WHERE personality_name = '*' UNION SELECT user_id FROM nsfw_verifications
) AS u
LEFT JOIN auth_tokens AS t ON t.user_id = u.user_id AND t.personality_name = '*'
LEFT JOIN nsfw_verifications AS v ON v.user_id = u.user_id
ORDER BY u.user_id
"""


def write_logins(connection: RawConnection, cipher: Cipher) -> Iterator[FileContent]:
    """`auth_tokens.json`, which has one login of each user: the one for all personalities."""
    rows = connection.execute(LOGINS)
    yield TOKENS, text.file_of(text.member(str(row["user_id"]), _flat_login(row, cipher)) for row in rows)


def write_verifications(connection: RawConnection, cipher: Cipher) -> Iterator[FileContent]:
    """`nsfw_verified.json`."""
    rows = connection.execute(VERIFICATIONS)
    yield VERIFIED, text.file_of(text.member(str(row["user_id"]), _flat_status(row, cipher)) for row in rows)


def write_users(connection: RawConnection, cipher: Cipher) -> Iterator[FileContent]:
    """`auth.json`, in which a user's login and verification are one record."""
    rows = connection.execute(USERS)
    yield AUTH, text.file_of(text.member(str(row["user_id"]), _user(row, cipher)) for row in rows)


def _flat_login(row: Any, cipher: Cipher) -> dict[str, Any]:
    facts, _ = _login_facts(row, cipher)
    return _login_draft(row, cipher, facts if facts.is_from(Format.GEN1) else facts.abroad(LOGIN_KEYS)).finish()


def _login_draft(row: Any, cipher: Cipher, facts: Facts) -> Draft:
    draft = Draft(facts)
    draft.made["token"] = _token(row, cipher)
    draft.time_or("createdAt", row["created_at"], "ms")
    if row["expires_at"] is None:
        draft.made["expiresAt"] = facts.original.get("expiresAt", NEVER_MS)
    else:
        draft.time_or("expiresAt", row["expires_at"], "ms")
    return draft


def _flat_status(row: Any, cipher: Cipher) -> dict[str, Any]:
    facts, _ = _status_facts(row, cipher)
    draft = Draft(facts if facts.is_from(Format.GEN1) else facts.abroad(STATUS_KEYS))
    draft.flag("verified", row["is_verified"], default=row["verified_at"] is not None)
    draft.time_or("timestamp", row["recorded_at"], "ms")
    draft.time("verifiedAt", row["verified_at"], "ms")
    return draft.finish()


def _user(row: Any, cipher: Cipher) -> dict[str, Any]:
    login, of_token = _login_facts(row, cipher)
    status, of_status = _status_facts(row, cipher)
    has_login = row["token"] is not None
    if login.is_from(Format.GEN2) and login.shape != NESTED:
        draft = _login_draft(row, cipher, login)
    else:
        draft = Draft(_merged(login, status, has_login=has_login))
        draft.confirm("userId", str(row["user_id"]))
        draft.part_or_null("token", _token_object(row, cipher, of_token) if has_login else None)
        draft.time_or("savedAt", row["created_at"] if has_login else row["recorded_at"], "iso")
    draft.part_or_null("nsfwStatus", None if row["is_verified"] is None else _status_object(row, of_status))
    record = draft.finish()
    if is_blacklisted(record) and not row["is_blacklisted"]:
        record["blacklisted"] = False  # it would put the user back where nobody listed it any more
    return record


def _merged(login: Facts, status: Facts, *, has_login: bool) -> Facts:
    """The facts of a user's record; those of its login where both came with one."""
    unknown = status.abroad(USER_KEYS).unknown | login.abroad(USER_KEYS).unknown
    if login.shape == NESTED:
        top = login
    elif status.shape == NESTED:
        top = status.without("token", "savedAt") if has_login else status
    else:
        top = Facts()
    return replace(top, unknown=unknown | top.unknown)


def _token_object(row: Any, cipher: Cipher, facts: Facts) -> dict[str, Any]:
    draft = Draft(facts)
    draft.made["value"] = _token(row, cipher)
    draft.time("expiresAt", row["expires_at"], "iso")
    return draft.finish()


def _status_object(row: Any, facts: Facts) -> dict[str, Any]:
    draft = Draft(facts)
    draft.flag("verified", row["is_verified"], default=row["verified_at"] is not None)
    draft.time("verifiedAt", row["verified_at"], "iso")
    return draft.finish()


def _token(row: Any, cipher: Cipher) -> str:
    return cipher.decrypt(row["token"], "auth_tokens", "token", row["user_id"]).reveal()


def _login_facts(row: Any, cipher: Cipher) -> tuple[Facts, Facts]:
    """The facts of the record that a login came from, and of the token's own object in it."""
    return _facts(
        row["login_extra"], "token", lambda sealed: cipher.decrypt(sealed, "auth_tokens", "extra", row["user_id"])
    )


def _status_facts(row: Any, cipher: Cipher) -> tuple[Facts, Facts]:
    """The same of a verification."""
    return _facts(
        row["status_extra"],
        "nsfwStatus",
        lambda sealed: cipher.decrypt(sealed, "nsfw_verifications", "extra", row["user_id"]),
    )


def _facts(extra: str | None, inner: str, decrypt: Callable[[str], Secret]) -> tuple[Facts, Facts]:
    if extra is None:
        return Facts(), Facts()
    kept = orjson.loads(extra)
    told = kept.get(IMPORT_KEY, {})
    hidden = orjson.loads(decrypt(kept[SEALED_KEY]).reveal()) if SEALED_KEY in kept else {}
    hidden_inside = hidden.pop(inner, {}) if told.get("shape") == NESTED else {}
    return _joined(told, hidden), _joined(told.get(inner, {}), hidden_inside)


def _joined(told: dict[str, Any], hidden: dict[str, Any]) -> Facts:
    original = told.get("original", {}) | hidden.pop(IMPORT_KEY, {})
    return Facts.told(told | {"original": original}, hidden)
