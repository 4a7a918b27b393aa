"""The bucket's own records: which epoch is current, which are taken, what else lies there."""

import contextlib
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import obstore
import pydantic
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, PreconditionError
from obstore.exceptions import NotFoundError as MissingError
from obstore.exceptions import UnauthenticatedError as RefusedError
from obstore.store import S3Store
from pydantic import SecretStr

from bot.durability.conditions import require_conditions
from bot.durability.lease import Lease, Sighting
from bot.durability.lineage import Current, Lineage, Marker, epoch_prefix
from bot.errors import ConfigurationError, ProtectedError, UnavailableError
from bot.settings import Settings

T = TypeVar("T")
EPOCH_FOLDER = re.compile(r"/e(\d{6,})(?:\.json)?$")
REPLICA_FILE = re.compile(r"/[0-9a-f]{16}-([0-9a-f]{16})\.ltx$")
SNAPSHOT_LEVEL = "0009"
NEWEST_LEVEL = "0000"
OLD_FORMAT = "generations"
SURVEY_LIMIT = 100
DELETE_BATCH = 500


@dataclass(frozen=True, slots=True)
class Version:
    """What was read of `current.json`, and the tag that proves that nobody changed it since."""

    current: Current
    e_tag: str | None


@dataclass(frozen=True, slots=True)
class Replica:
    """What a prefix holds: anything at all, and the newest transaction not before the one asked for, in which file."""

    has_files: bool
    newest_txid: int = 0
    newest_file: str = ""
    newest_at: datetime | None = None


class Bucket:
    """The configured bucket under the configured prefix.

    Every method raises UnavailableError when it can't be reached and ConfigurationError for a credential
    or a bucket name that it refuses.
    """

    def __init__(self, settings: Settings) -> None:
        self._name = settings.replica_bucket or ""
        self._prefix = settings.replica_prefix or ""
        self._store = open_bucket(settings)

    async def read_current(self) -> Version | None:
        """The epoch to restore from; None where the prefix has none. Unreadable is not none: ProtectedError."""
        try:
            result = await self._ask(obstore.get_async(self._store, self._current_path))
            content = bytes(await self._ask(result.bytes_async()))
        except (FileNotFoundError, MissingError):
            return None
        try:
            return Version(Current.model_validate_json(content), result.meta["e_tag"])
        except pydantic.ValidationError:
            raise ProtectedError(
                f"{self._current_path} in the bucket {self._name} is damaged, so nobody knows what to restore.",
                remedy="Put the right one back; the folders beside it are the epochs, the highest the newest.",
            ) from None

    async def write_current(self, current: Current, replaces: Version | None) -> None:
        """Name another epoch as the current one; ProtectedError when somebody else did so meanwhile."""
        mode: Any = "create" if replaces is None else {"e_tag": replaces.e_tag}
        content = current.model_dump_json(indent=1, by_alias=True).encode()
        try:
            await self._ask(obstore.put_async(self._store, self._current_path, content, mode=mode))
        except (AlreadyExistsError, PreconditionError):
            raise ProtectedError(
                f"Another instance began a new epoch at {self._prefix} at the same time.",
                remedy="Run one instance only; this one's data stays on its volume and in its own folder.",
            ) from None

    async def read_lease(self) -> Sighting | None:
        """Who writes, or was the last to; None where nobody ever did. Unreadable is not none: ProtectedError."""
        try:
            result = await self._ask(obstore.get_async(self._store, self._lease_path))
            content = bytes(await self._ask(result.bytes_async()))
        except (FileNotFoundError, MissingError):
            return None
        try:
            lease = Lease.model_validate_json(content)
        except pydantic.ValidationError:
            raise ProtectedError(
                f"{self._lease_path} in the bucket {self._name} is damaged, so nobody knows who writes.",
                remedy="Stop every instance, and delete it.",
            ) from None
        return Sighting(lease, result.meta["e_tag"], result.meta["last_modified"])

    async def write_lease(self, lease: Lease, replaces: str | None) -> str | None:
        """Put a lease in the place of the one with this tag, None for none: its own tag, None if another is there."""
        mode: Any = "create" if replaces is None else {"e_tag": replaces}
        content = lease.model_dump_json(indent=1).encode()
        try:
            result = await self._ask(obstore.put_async(self._store, self._lease_path, content, mode=mode))
        except (AlreadyExistsError, PreconditionError, FileNotFoundError, MissingError):
            return None
        return result["e_tag"]

    async def try_conditions(self) -> datetime:
        """What the bucket's clock says; ConfigurationError for a bucket that ignores conditions."""
        path = f"{self._prefix}/control/probe-{uuid.uuid4().hex}"
        await self._ask(obstore.put_async(self._store, path, b"written by a start, and deleted at once"))
        try:
            await self._ask(require_conditions(self._store, path))
            return (await self._ask(obstore.head_async(self._store, path)))["last_modified"]
        finally:
            with contextlib.suppress(BaseError, OSError):
                await obstore.delete_async(self._store, path)

    async def claim(self, lineage: Lineage) -> bool:
        """Take an epoch's number for good; False when somebody has it."""
        path = f"{self._prefix}/control/e{lineage.epoch:06d}.json"
        content = lineage.model_dump_json(indent=1).encode()
        try:
            await self._ask(obstore.put_async(self._store, path, content, mode="create"))
        except (AlreadyExistsError, PreconditionError):
            return False
        return True

    async def epochs(self, *, claimed: bool = False) -> list[int]:
        """The numbers of the epochs that have files, or of those that were ever claimed."""
        listing = await self._ask(
            obstore.list_with_delimiter_async(self._store, f"{self._prefix}/control" if claimed else self._prefix)
        )
        names = [o["path"] for o in listing["objects"]] if claimed else listing["common_prefixes"]
        return sorted(int(found[1]) for name in names if (found := EPOCH_FOLDER.search(name)))

    async def look_at(self, prefix: str, *, since: int = 0) -> Replica:
        """What an epoch's prefix holds from a transaction on; the newest are always in the lowest level."""
        newest = Replica(has_files=False)
        for level, start in ((NEWEST_LEVEL, since), (SNAPSHOT_LEVEL, 0)):
            async for item in self._list(f"{prefix}/{level}", after=f"{prefix}/{level}/{start:016x}"):
                found = REPLICA_FILE.search(item["path"])
                if found and (txid := int(found[1], 16)) > newest.newest_txid:
                    newest = Replica(txid > 0, txid, item["path"], item["last_modified"])
        return newest if newest.has_files else Replica(await self._has_any(prefix))

    async def delete_all(self, prefix: str) -> int:
        """Delete everything under an epoch's prefix, in batches; how many objects that were."""
        paths = [item["path"] async for item in self._list(prefix)]
        for start in range(0, len(paths), DELETE_BATCH):
            await self._ask(obstore.delete_async(self._store, paths[start : start + DELETE_BATCH]))
        return len(paths)

    async def require_one_format(self, prefix: str) -> None:
        """Raise ProtectedError where a Litestream before 0.5 wrote too: a restore takes whichever copy is newer."""
        if await self._has_any(f"{prefix}/{OLD_FORMAT}"):
            raise ProtectedError(
                f"{prefix}/{OLD_FORMAT} in the bucket {self._name} is a copy that an older Litestream wrote, and which "
                "of the two would be restored depends on their times.",
                remedy="Stop that Litestream, and move its folder to another place in the bucket.",
            )

    async def survey(self) -> list[str]:
        """What else lies in the bucket: prefixes of other installations first, then folders with other objects."""
        installations: list[str] = []
        strangers: list[str] = []
        pending: list[str | None] = [None]
        for _ in range(SURVEY_LIMIT):
            if not pending:
                break
            folder = pending.pop(0)
            listing = await self._ask(obstore.list_with_delimiter_async(self._store, folder))
            inner = [name for name in listing["common_prefixes"] if name != self._prefix]
            if folder and _is_installation(folder, inner):
                installations.append(folder)
                continue
            strangers += [folder or item["path"] for item in listing["objects"]][: None if folder is None else 1]
            pending += inner
        return installations + strangers + [name for name in pending if name] + await self._foreign()

    async def _foreign(self) -> list[str]:
        """What lies under the configured prefix and is not ours, such as the copy of an older Litestream."""
        listing = await self._ask(obstore.list_with_delimiter_async(self._store, self._prefix))
        names = [*listing["common_prefixes"], *(item["path"] for item in listing["objects"])]
        return [name for name in names if name != f"{self._prefix}/control" and not EPOCH_FOLDER.search(name)]

    @property
    def _current_path(self) -> str:
        return f"{self._prefix}/control/current.json"

    @property
    def _lease_path(self) -> str:
        return f"{self._prefix}/control/lease.json"

    async def _has_any(self, prefix: str) -> bool:
        async for _ in self._list(prefix):
            return True
        return False

    async def _list(self, prefix: str, after: str | None = None) -> AsyncIterator[Any]:
        with self._translated():
            async for batch in obstore.list(self._store, prefix, offset=after):
                for item in batch:
                    yield item

    async def _ask(self, answer: Awaitable[T]) -> T:
        with self._translated():
            return await answer

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (AlreadyExistsError, PreconditionError):
            raise
        except (BaseError, OSError) as error:
            text = str(error)
            if "NoSuchBucket" in text:  # obstore has no kind of its own for it; the code is S3's
                raise ConfigurationError(
                    f"There is no bucket named {self._name}.", remedy="Correct REPLICA_BUCKET or REPLICA_ENDPOINT."
                ) from None
            if isinstance(error, (PermissionDeniedError, RefusedError)) or " 403 " in text:
                raise _refused(self._name) from None
            if isinstance(error, (FileNotFoundError, MissingError)):
                raise
            raise UnavailableError(
                f"The bucket {self._name} can't be reached.",
                remedy="Check REPLICA_ENDPOINT, the network and the service's status page.",
            ) from None


async def next_epoch(bucket: Bucket, current: Current | None) -> int:
    """A number that no epoch ever had."""
    taken = await bucket.epochs() + await bucket.epochs(claimed=True)
    return max([0, *taken, current.epoch if current else 0]) + 1


async def claim_next(bucket: Bucket, draft: Marker, prefix: str) -> Marker:
    """Claim the first free epoch from the draft's number on; the draft with that number and its prefix."""
    while not await bucket.claim(draft):
        epoch = draft.epoch + 1
        draft = draft.model_copy(update={"epoch": epoch, "prefix": epoch_prefix(prefix, epoch)})
    return draft


def _is_installation(folder: str, inner: Sequence[str]) -> bool:
    return any(name == f"{folder}/control" or EPOCH_FOLDER.search(name) for name in inner)


def _refused(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"The bucket {name} refuses the keys.",
        remedy="Correct LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY, and let them list, read and write.",
    )


def open_bucket(settings: Settings) -> S3Store:
    """The bucket as obstore sees it, at its top."""
    seconds = timedelta(seconds=settings.bucket_request_timeout_seconds)
    return S3Store(
        settings.replica_bucket or "",
        endpoint=_endpoint(settings),
        access_key_id=_printable("LITESTREAM_ACCESS_KEY_ID", settings.litestream_access_key_id),
        secret_access_key=_printable("LITESTREAM_SECRET_ACCESS_KEY", settings.litestream_secret_access_key),
        region=_printable("REPLICA_REGION", SecretStr(settings.replica_region)),
        virtual_hosted_style_request=not settings.replica_path_style,
        client_options={"allow_http": True, "timeout": seconds, "connect_timeout": seconds},
        retry_config={"max_retries": 2, "retry_timeout": seconds},
    )


def _endpoint(settings: Settings) -> str:
    endpoint = settings.replica_endpoint or ""
    if settings.replica_path_style:
        return endpoint
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{settings.replica_bucket}.{parts.netloc}{parts.path}"


def _printable(name: str, secret: SecretStr | None) -> str:
    value = secret.get_secret_value() if secret else ""
    if not re.fullmatch(r"[!-~]+", value):  # such as a line end pasted with a key, which no HTTP header can carry
        raise ConfigurationError(
            f"{name} has a space, a line end or another character that no key has.", remedy="Paste it again."
        )
    return value
