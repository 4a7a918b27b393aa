"""Secrets at rest: AES-256-GCM per field, bound to its table, column and row."""

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from bot.errors import ConfigurationError, ProtectedError, UnreadableError
from bot.model import Secret
from bot.settings import KEY_RECIPE, Settings
from bot.store.engine import RawConnection
from bot.store.statement import Query

T = TypeVar("T")

VERSION = "v1"
NONCE_BYTES = 12
KEY_ID_LENGTH = 8
HEAD_LENGTH = len(VERSION) + 1 + KEY_ID_LENGTH
USED_KEYS = """
SELECT DISTINCT substr(token, 1, :length) AS head FROM auth_tokens
UNION
SELECT DISTINCT substr(token, 1, :length) FROM webhooks
"""

SAMPLES = """
SELECT 'auth_tokens' AS home, user_id AS row_id, token FROM auth_tokens WHERE user_id IN
    (SELECT min(user_id) FROM auth_tokens GROUP BY substr(token, 1, :length))
UNION ALL
SELECT 'webhooks', channel_id, token FROM webhooks WHERE channel_id IN
    (SELECT min(channel_id) FROM webhooks GROUP BY substr(token, 1, :length))
"""


class CanFetch(Protocol):
    """A store or a reader."""

    async def fetch(self, query: Query[T]) -> list[T]:
        """All values of a query."""


class Cipher:
    """Encrypts with the first key, decrypts with whichever was used; a ciphertext opens only in its own row."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        raw_keys = [base64.b64decode(key.get_secret_value(), validate=True) for key in keys]
        self._keys = {_key_id(raw): AESGCM(raw) for raw in raw_keys}
        self._first = next(iter(self._keys))

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Which keys are there, the one that encrypts first; an id tells nothing about its key."""
        return tuple(self._keys)

    def encrypt(self, secret: Secret, table: str, column: str, row_id: int) -> str:
        """`v1.<key id>.<base64>` for this row only."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._keys[self._first].encrypt(nonce, secret.reveal().encode(), _place(table, column, row_id))
        return f"{VERSION}.{self._first}.{base64.b64encode(nonce + sealed).decode()}"

    def decrypt(self, text: str, table: str, column: str, row_id: int) -> Secret:
        """The secret; raises ProtectedError if its key is missing, UnreadableError if it was changed or moved."""
        version, key_id, sealed = _split(text, table)
        if version == VERSION and key_id not in self._keys:
            raise _missing([key_id])
        try:
            raw = base64.b64decode(sealed, validate=True)
            key = self._keys[key_id]
            return Secret(key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _place(table, column, row_id)).decode())
        except (InvalidTag, KeyError, ValueError, binascii.Error):
            raise UnreadableError(
                f"A secret in {table} was changed, or comes from another row.",
                remedy="The user has to log in again; if there are many, restore the database.",
            ) from None


def cipher_from(settings: Settings) -> Cipher:
    """The cipher with the settings' keys; raises ConfigurationError that shows how to make one."""
    if not settings.encryption_keys:
        raise ConfigurationError(
            "ENCRYPTION_KEYS is not set, and no secret is stored without encryption.",
            remedy=f"Make a key with: {KEY_RECIPE} and keep a copy outside of this machine.",
        )
    return Cipher(settings.encryption_keys)


async def require_keys(store: CanFetch, cipher: Cipher) -> None:
    """Raise ProtectedError if something is stored under a key that isn't there."""
    _require(await store.fetch(Query(USED_KEYS, lambda row: str(row["head"]), {"length": HEAD_LENGTH})), cipher)


def require_keys_on(connection: RawConnection, cipher: Cipher) -> None:
    """The same, inside the transaction that is open on a connection."""
    heads = connection.execute(USED_KEYS, {"length": HEAD_LENGTH})
    _require({row["head"] for row in heads}, cipher)


def _require(heads: Iterable[str], cipher: Cipher) -> None:
    used = {head.partition(".")[2] for head in heads}
    if missing := sorted(used - set(cipher.key_ids)):
        raise _missing(missing)


async def open_samples(store: CanFetch, cipher: Cipher) -> int:
    """Decrypt at least one secret of each key and table, and return of how many.

    Raises ProtectedError for a key that isn't there, UnreadableError for a secret that does not open.
    """
    samples = await store.fetch(
        Query(SAMPLES, lambda row: (row["token"], row["home"], row["row_id"]), {"length": HEAD_LENGTH})
    )
    for text, table, row_id in samples:
        cipher.decrypt(text, table, "token", row_id)
    return len(samples)


def _missing(key_ids: Sequence[str]) -> ProtectedError:
    return ProtectedError(
        f"Secrets in the database need the key {', '.join(key_ids)}, which is not in ENCRYPTION_KEYS.",
        remedy="Add that key to ENCRYPTION_KEYS, behind the one that should encrypt.",
    )


def _key_id(raw: bytes) -> str:
    return hashlib.sha256(b"tzurot key id" + raw).hexdigest()[:KEY_ID_LENGTH]


def _place(table: str, column: str, row_id: int) -> bytes:
    return f"{table}.{column}.{row_id}".encode()


def _split(text: str, table: str) -> tuple[str, str, str]:
    parts = text.split(".")
    if len(parts) != len(("version", "key", "sealed")):
        raise UnreadableError(f"A secret in {table} is no ciphertext.")
    return parts[0], parts[1], parts[2]
