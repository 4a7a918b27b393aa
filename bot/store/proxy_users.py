"""The table `proxy_users`: whose messages a proxy bot has posted again lately."""

from datetime import datetime

from bot.store.columns import to_text, to_time
from bot.store.statement import Query, Statement

PUT = """
INSERT INTO proxy_users (user_id, last_proxied_at) VALUES (:user_id, :now)
ON CONFLICT (user_id) DO UPDATE SET last_proxied_at = excluded.last_proxied_at
"""

DELETE = """
DELETE FROM proxy_users WHERE user_id IN (
    SELECT user_id FROM proxy_users WHERE last_proxied_at < :before LIMIT :limit
)
"""


def put(user_id: int, now: datetime) -> Statement:
    """Note that a message of theirs was posted again."""
    return Statement(PUT, {"user_id": user_id, "now": to_text(now)})


def get(user_id: int) -> Query[datetime]:
    """When a message of theirs was posted again last."""
    return Query(
        "SELECT last_proxied_at FROM proxy_users WHERE user_id = :user_id",
        lambda row: to_time(row["last_proxied_at"]),
        {"user_id": user_id},
    )


def delete_before(time: datetime, limit: int = 200) -> Statement:
    """Forget some of those who have not used one since; repeat until the count is 0."""
    return Statement(DELETE, {"before": to_text(time), "limit": limit})
