"""Ciphertexts of one secret differ, because each has a nonce of its own; here they are made equal before comparing."""

# ruff: noqa: S608 - names of tables and columns are the constants below

from dataclasses import dataclass

import orjson

from bot.errors import TzurotError
from bot.model import Secret
from bot.store.cipher import Cipher
from bot.store.engine import RawConnection, transaction
from bot.store.legacy.record import SEALED_KEY


@dataclass(frozen=True, slots=True)
class Place:
    """A column into which reading the original's files encrypts; `key` tells rows apart, its first part is their id."""

    table: str
    column: str
    key: tuple[str, ...]


PLACES = (
    Place("auth_tokens", "token", ("user_id", "personality_name")),
    Place("auth_tokens", "extra", ("user_id", "personality_name")),
    Place("nsfw_verifications", "extra", ("user_id",)),
)


def adopt_ciphertexts(both: RawConnection, cipher: Cipher) -> None:
    """Give each row of `main` the ciphertext of its row in `serving`, where both hold the same secret."""
    with transaction(both):
        for place in PLACES:
            equal = [
                (theirs, rowid)
                for rowid, row_id, ours, theirs in _differing(both, place)
                if _is_same(cipher, place, row_id, (ours, theirs))
            ]
            both.executemany(f"UPDATE main.{place.table} SET {place.column} = ? WHERE rowid = ?", equal)


def _differing(both: RawConnection, place: Place) -> list[tuple[int, int, str, str]]:
    rows: list[tuple[int, int, str, str]] = both.execute(
        f"SELECT f.rowid, f.{place.key[0]}, f.{place.column}, s.{place.column} FROM main.{place.table} AS f"
        f" JOIN serving.{place.table} AS s USING ({', '.join(place.key)}) WHERE f.{place.column} <> s.{place.column}"
    ).fetchall()
    return rows


def _is_same(cipher: Cipher, place: Place, row_id: int, values: tuple[str, str]) -> bool:
    try:
        first, second = (_open(cipher, place, row_id, value) for value in values)
    except TzurotError:  # what can't be opened stays different
        return False
    return first == second


def _open(cipher: Cipher, place: Place, row_id: int, value: str) -> tuple[dict[str, object], Secret | None]:
    """What stands in the column: what is readable as it is, and what was encrypted."""
    told, sealed = ({}, value) if place.column == "token" else _split(value)
    return told, None if sealed is None else cipher.decrypt(sealed, place.table, place.column, row_id)


def _split(extra: str) -> tuple[dict[str, object], str | None]:
    told = orjson.loads(extra)
    return told, told.pop(SEALED_KEY, None)
