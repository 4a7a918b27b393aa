"""Whether a bucket refuses what it must: without conditional writes nothing keeps two writers apart."""

import asyncio
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store

from bot.errors import ConfigurationError

CONDITIONS: dict[str, Any] = {"If-None-Match": "create", "If-Match": {"e_tag": f'"{"0" * 32}"'}}
"""Two that never hold for an object that is there."""


async def require_conditions(store: S3Store, key: str) -> None:
    """Raise ConfigurationError unless an object that is there is kept under conditions that do not hold."""
    kept = await asyncio.gather(*(_refuses(store, key, mode) for mode in CONDITIONS.values()))
    ignored = [header for header, is_kept in zip(CONDITIONS, kept, strict=True) if not is_kept]
    if ignored:
        raise ConfigurationError(
            f"The bucket ignores {' and '.join(ignored)}, so two writers could not be kept apart.",
            remedy="Use a service with conditional writes: Railway's buckets, AWS S3, Cloudflare R2, Tigris, "
            "SeaweedFS.",
        )


async def _refuses(store: S3Store, key: str, mode: Any) -> bool:
    try:
        await obstore.put_async(store, key, b"must be refused", mode=mode)
    except (AlreadyExistsError, PreconditionError):
        return True
    return False
