"""Tries what the copy needs of a bucket: list, create only if absent, read back, delete; nothing is left behind."""

import asyncio
import contextlib
import re
import time
import uuid

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from bot.durability.bucket import open_bucket
from bot.durability.conditions import require_conditions
from bot.errors import ConfigurationError, TzurotError, UnavailableError
from bot.settings import Settings

KEYS = "LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY"
CODES = {
    "InvalidAccessKeyId": ("The bucket's service does not know the access key.", f"Correct {KEYS}."),
    "SignatureDoesNotMatch": (
        "The secret key does not belong to the access key.",
        f"Correct {KEYS}, both from the same pair.",
    ),
    "AccessDenied": (
        "The key may not do this in the bucket.",
        "Give it permission to list, read, write and delete, or correct REPLICA_BUCKET.",
    ),
    "NoSuchBucket": ("The bucket {bucket} does not exist.", "Make it, or correct REPLICA_BUCKET."),
    "InvalidBucketName": (
        "The service took another part of the address for the bucket's name.",
        "Try the other value of REPLICA_PATH_STYLE.",
    ),
    "RequestTimeTooSkewed": ("This machine's clock is wrong.", "Set the clock."),
    "PermanentRedirect": ("The bucket is in another region.", "Correct REPLICA_REGION and REPLICA_ENDPOINT."),
    "AuthorizationHeaderMalformed": ("The bucket is in another region.", "Correct REPLICA_REGION."),
}
PROBE_SHARE, CLEANING_SHARE = 0.7, 0.2
"""Of the time limit of a check: for the questions, and for cleaning up after a failure."""

BODY = b"written by tzurot doctor, and deleted at once"


async def probe_bucket(settings: Settings) -> float:
    """Milliseconds of one upload; raises ConfigurationError or UnavailableError that says what to correct."""
    store = open_bucket(settings)
    key = f"{settings.replica_prefix}/control/probe-{uuid.uuid4().hex}"
    try:
        async with asyncio.timeout(settings.check_timeout_seconds * PROBE_SHARE):
            await obstore.list_with_delimiter_async(store, settings.replica_prefix)
            return await _try_key(store, key, settings.check_timeout_seconds * CLEANING_SHARE)
    except TimeoutError:
        raise _unreachable(settings, "did not answer in time") from None
    except (BaseError, OSError) as error:
        raise _explain(error, settings) from None


async def _try_key(store: S3Store, key: str, cleaning_seconds: float) -> float:
    try:
        started = time.perf_counter()
        await obstore.put_async(store, key, BODY, mode="create")
        spent = (time.perf_counter() - started) * 1000
        await require_conditions(store, key)
        await _require_same(store, key)
        await obstore.delete_async(store, key)
    except BaseException:
        # An upload whose answer was lost is there all the same, and a bucket that was empty would be so no more.
        with contextlib.suppress(BaseError, OSError):
            async with asyncio.timeout(cleaning_seconds):
                await obstore.delete_async(store, key)
        raise
    return round(spent, 1)


async def _require_same(store: S3Store, key: str) -> None:
    content = await (await obstore.get_async(store, key)).bytes_async()
    if bytes(content) != BODY:
        raise UnavailableError("The bucket gives back something other than was written.")


def _explain(error: Exception, settings: Settings) -> TzurotError:
    found = re.search(r"<Code>(\w+)</Code>", str(error))
    code = found.group(1) if found else ""
    if code in CODES:
        message, remedy = CODES[code]
        return ConfigurationError(message.format(bucket=settings.replica_bucket), remedy=remedy)
    status = re.search(r"status code: (\d+)", str(error))
    if status:
        return _unreachable(settings, f"answered with status {status.group(1)} {code}".rstrip())
    return _unreachable(settings, "can't be reached")


def _unreachable(settings: Settings, what: str) -> UnavailableError:
    return UnavailableError(
        f"The bucket's service at {settings.replica_endpoint} {what}.",
        remedy="Check REPLICA_ENDPOINT, the network and the service's status page.",
    )
