"""Logins and verifications: `auth_tokens.json` and `nsfw_verified.json` (flat), `auth.json` (gen2a, gen2b).

Where both generations know a user, the newer one counts, except that a login without a token leaves the older
one's standing. No key or reason here shows anything that could be a token, and what is not understood in
these files is stored encrypted.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bot.model import EVERY_PERSONALITY, EVERYWHERE, NOBODY, Secret
from bot.store.legacy import moments
from bot.store.legacy.folder import AUTH, TOKENS, VERIFIED, LegacyFolder
from bot.store.legacy.record import (
    IMPORT_KEY,
    MISSING,
    Columns,
    Defaults,
    Entry,
    Fields,
    RecordRejectedError,
    Reject,
    Row,
    require_snowflake,
    require_text,
    to_json,
    to_snowflake,
)

NESTED = "gen2"
MAPS = ("userAuth", "tokens")
REPLACED = f"{AUTH}, which is newer, has a record of this user; that one counts"

Part: TypeAlias = tuple[Columns, Secret | None]
"""A row's columns, and what of the record must be encrypted."""


@dataclass(slots=True)
class AuthRecords:
    """What the files say of users, by table."""

    logins: list[Entry] = field(default_factory=list)
    verifications: list[Entry] = field(default_factory=list)
    blacklist: list[Entry] = field(default_factory=list)
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a record stands, as it may be shown: a key that is no id might be a token."""

    file: str
    key: str
    position: int

    def entry(self, make: Callable[[], Part]) -> Entry:
        """The row that `make` gives, or why there is none."""
        label = self.key if to_snowflake(self.key) else f"entry {self.position}"
        try:
            columns, sealed = make()
        except RecordRejectedError as error:
            return Reject(self.file, label, str(error))
        return Row(self.file, label, columns, sealed)


def read_auth(folder: LegacyFolder, defaults: Defaults) -> AuthRecords:
    """Every login and verification of both generations."""
    records = AuthRecords()
    for place, record in _places(folder.source_of(AUTH), nested_users(folder)):
        _add_nested(records, place, record, defaults)
    logins = [
        place.entry(lambda place=place, record=record: _flat_login(place.key, Fields.of(record), defaults))  # type: ignore[misc]
        for place, record in _places(folder.source_of(TOKENS), folder.entries(TOKENS))
    ]
    verifications = [
        place.entry(lambda place=place, record=record: _flat_status(place.key, record))  # type: ignore[misc]
        for place, record in _places(folder.source_of(VERIFIED), folder.entries(VERIFIED))
    ]
    records.conflicts = _merge(records.logins, logins) + _merge(records.verifications, verifications)
    return records


def _merge(newer: list[Entry], older: list[Entry]) -> int:
    """Add the older generation's entries, those of users that the newer one knows as rejects; how many of these."""
    known = {entry.columns["user_id"] for entry in newer if isinstance(entry, Row)}
    conflicts = [isinstance(entry, Row) and entry.columns["user_id"] in known for entry in older]
    newer += [
        Reject(entry.file, entry.key, REPLACED) if is_conflict else entry
        for entry, is_conflict in zip(older, conflicts, strict=True)
    ]
    return sum(conflicts)


def _places(file: str, entries: Iterable[tuple[str, object]]) -> Iterator[tuple[_Place, object]]:
    for position, (key, record) in enumerate(entries, start=1):
        yield _Place(file, key, position), record


def nested_users(folder: LegacyFolder) -> Iterator[tuple[str, object]]:
    """The users of `auth.json`, whether they stand at its top (gen2b) or in its maps (gen2a)."""
    for key, value in folder.entries(AUTH):
        if key in MAPS and isinstance(value, dict):
            yield from value.items()
        else:
            yield key, value


def _add_nested(records: AuthRecords, place: _Place, record: object, defaults: Defaults) -> None:
    user = record if isinstance(record, dict) else {}
    has_token, has_status = user.get("token") is not None, user.get("nsfwStatus") is not None
    status = place.entry(lambda: _nested_status(place.key, user, has_login=has_token)) if has_status else None
    is_verified = isinstance(status, Row)
    if has_token or not has_status:
        login = place.entry(lambda: _nested_login(place.key, record, defaults, has_status=is_verified))
        records.logins.append(login)
        if is_verified and isinstance(login, Reject):
            status = place.entry(lambda: _nested_status(place.key, user, has_login=False))
    if status is not None:
        records.verifications.append(status)
    if is_blacklisted(user):
        records.blacklist.append(place.entry(lambda: _nested_blacklisting(place.key, user)))


def is_blacklisted(user: dict[str, Any]) -> bool:
    """Whether a login of gen2a says that the bot ignores this user."""
    return user.get("blacklisted") in (True, "true")


def _nested_login(key: str, record: object, defaults: Defaults, *, has_status: bool) -> Part:
    fields = Fields.of(record)
    status = fields.take("nsfwStatus")
    if status is MISSING:
        fields.absent.append("nsfwStatus")
    elif status is None:
        fields.original["nsfwStatus"] = None
    elif not has_status:
        fields.left["nsfwStatus"] = status  # it becomes no row of its own
    if isinstance(fields.left.get("token"), str):
        return _flat_login(key, fields, defaults, NESTED)
    return _object_login(key, fields)


def _flat_login(key: str, fields: Fields, defaults: Defaults, file: str | None = None) -> Part:
    user_id = require_snowflake(key, "the key")
    token = require_text(fields.left.pop("token", None), "the token")
    expires_raw = fields.left.get("expiresAt")
    is_endless = moments.is_beyond(expires_raw)
    has_expiry = "expiresAt" in fields.left
    expires_at = fields.time("expiresAt", "ms")
    lifetime = defaults.token_lifetime_seconds
    guess = moments.add(expires_at, -lifetime) if expires_at else None
    created_at = fields.time_or("createdAt", "ms", guess)
    if not has_expiry:
        fields.absent.append("expiresAt")
    if expires_at is None and not is_endless:
        expires_at = moments.add(created_at, lifetime)
    columns = _login_columns(user_id, token, created_at, expires_at)
    return _with_rest(columns, fields, {}, {"file": file} if file else {})


def _object_login(key: str, fields: Fields) -> Part:
    user_id = require_snowflake(key, "the key")
    token = fields.left.pop("token", None)
    if token is None:
        raise RecordRejectedError("has neither a token nor a verification")
    inner = Fields.of(token)
    value = require_text(inner.left.pop("value", None), "the token")
    fields.confirm("userId", key)
    created_at = fields.time_or("savedAt", "iso", None)
    inner.expect("expiresAt")
    columns = _login_columns(user_id, value, created_at, inner.time("expiresAt", "iso"))
    return _with_rest(columns, fields, {"token": inner}, {"shape": NESTED})


def _login_columns(user_id: int, token: str, created_at: str, expires_at: str | None) -> Columns:
    return {
        "user_id": user_id,
        "personality_name": EVERY_PERSONALITY,
        "token": Secret(token),
        "created_at": created_at,
        "expires_at": expires_at,
    }


def _flat_status(key: str, record: object) -> Part:
    user_id = require_snowflake(key, "the key")
    fields = Fields.of(record)
    fields.expect("verifiedAt")
    verified_at = fields.time("verifiedAt", "ms")
    recorded_at = fields.time_or("timestamp", "ms", verified_at)
    return _with_rest(_status_columns(user_id, fields, verified_at, recorded_at), fields, {}, {})


def _nested_status(key: str, record: dict[str, Any], *, has_login: bool) -> Part:
    user_id = require_snowflake(key, "the key")
    fields = Fields.of(record)
    status = Fields.of(fields.take("nsfwStatus"))
    fields.confirm("userId", key)
    fields.expect("token")
    if fields.left.get("token", MISSING) is None:
        fields.take("token")
    status.expect("verifiedAt")
    verified_at = status.time("verifiedAt", "iso")
    recorded_at = fields.time_or("savedAt", "iso", verified_at)
    columns = _status_columns(user_id, status, verified_at, recorded_at)
    # The rest of the record is kept with its login, if there is one.
    rest = Fields({}) if has_login else fields
    return _with_rest(columns, rest, {"nsfwStatus": status}, {"shape": NESTED})


def _status_columns(user_id: int, fields: Fields, verified_at: str | None, recorded_at: str) -> Columns:
    if "verified" not in fields.left and verified_at is None:
        raise RecordRejectedError("does not say whether the user is verified")
    is_verified = fields.flag("verified", default=verified_at is not None)
    return {
        "user_id": user_id,
        "is_verified": is_verified,
        "verified_at": verified_at,
        "recorded_at": recorded_at,
    }


def _nested_blacklisting(key: str, record: dict[str, Any]) -> Part:
    columns = {
        "user_id": require_snowflake(key, "the key"),
        "guild_id": EVERYWHERE,
        "reason": None,
        "blacklisted_by": NOBODY,
        "blacklisted_at": moments.read(record.get("savedAt")) or moments.UNKNOWN_TIME,
        "expires_at": None,
        # As it will be read from `blacklist.json`, the file that holds it from now on.
        "extra": {IMPORT_KEY: {"original": {"reason": None}}},
    }
    return columns, None


def _with_rest(columns: Columns, fields: Fields, inner: dict[str, Fields], facts: dict[str, Any]) -> Part:
    """Put harmless facts into `extra`, and whatever could hold a secret aside to be encrypted."""
    secret: dict[str, Any] = {}
    for name, part in {"": fields, **inner}.items():
        part.set_import_aside()
        harmless = {key: value for key, value in part.original.items() if _is_harmless(value)}
        hidden = part.left | {IMPORT_KEY: {key: part.original[key] for key in part.original if key not in harmless}}
        hidden = {key: value for key, value in hidden.items() if key != IMPORT_KEY or value}
        told = {"original": harmless, "absent": part.absent}
        told = {key: value for key, value in told.items() if value}
        if name:
            facts |= {name: told} if told else {}
            secret |= {name: hidden} if hidden else {}
        else:
            facts |= told
            secret |= hidden
    columns["extra"] = {IMPORT_KEY: facts} if facts else None
    to_json(facts)
    return columns, Secret(to_json(secret)) if secret else None


def _is_harmless(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, float))
