"""The table `avatars`: pictures that were imported or downloaded, by personality."""

from bot.model import Avatar
from bot.store.columns import from_json, to_json, to_text_or_none, to_time_or_none
from bot.store.statement import Query, Row, Statement, Value

PUT = """
INSERT INTO avatars (
    personality_id, sha256, content_type, content, source_url, downloaded_at, last_checked, extra
) VALUES (:personality_id, :sha256, :content_type, :content, :source_url, :downloaded_at, :last_checked, :extra)
ON CONFLICT (personality_id) DO UPDATE SET sha256 = excluded.sha256, content_type = excluded.content_type,
    content = excluded.content, source_url = excluded.source_url, downloaded_at = excluded.downloaded_at,
    last_checked = excluded.last_checked, extra = excluded.extra
"""


def to_row(avatar: Avatar) -> dict[str, Value]:
    """The parameters of `PUT`."""
    return {
        "personality_id": avatar.personality_id,
        "sha256": avatar.sha256,
        "content_type": avatar.content_type,
        "content": avatar.content,
        "source_url": avatar.source_url,
        "downloaded_at": to_text_or_none(avatar.downloaded_at),
        "last_checked": to_text_or_none(avatar.last_checked),
        "extra": to_json(avatar.extra),
    }


def put(avatar: Avatar) -> Statement:
    """Insert or replace; a personality that does not exist is a ConflictError."""
    return Statement(PUT, to_row(avatar))


def get(personality_id: int) -> Query[Avatar]:
    """The personality's picture."""
    return Query("SELECT * FROM avatars WHERE personality_id = :id", read, {"id": personality_id})


def read(row: Row) -> Avatar:
    """The picture in a row of the table."""
    return Avatar(
        personality_id=row["personality_id"],
        sha256=row["sha256"],
        content_type=row["content_type"],
        content=row["content"],
        source_url=row["source_url"],
        downloaded_at=to_time_or_none(row["downloaded_at"]),
        last_checked=to_time_or_none(row["last_checked"]),
        extra=from_json(row["extra"]),
    )
