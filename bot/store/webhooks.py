"""The table `webhooks`: through which webhook personalities speak in a channel; its token is encrypted."""

from bot.model import WebhookKey
from bot.store.cipher import Cipher
from bot.store.columns import to_text, to_time
from bot.store.statement import Query, Row, Statement

TABLE = "webhooks"

PUT = """
INSERT INTO webhooks (channel_id, webhook_id, token, created_at)
VALUES (:channel_id, :webhook_id, :token, :created_at)
ON CONFLICT (channel_id) DO UPDATE SET webhook_id = excluded.webhook_id, token = excluded.token,
    created_at = excluded.created_at
"""


def put(key: WebhookKey, cipher: Cipher) -> Statement:
    """Insert or replace the channel's webhook."""
    return Statement(
        PUT,
        {
            "channel_id": key.channel_id,
            "webhook_id": key.webhook_id,
            "token": cipher.encrypt(key.token, TABLE, "token", key.channel_id),
            "created_at": to_text(key.created_at),
        },
    )


def delete(channel_id: int) -> Statement:
    """Forget the channel's webhook."""
    return Statement("DELETE FROM webhooks WHERE channel_id = :channel_id", {"channel_id": channel_id})


def get(channel_id: int, cipher: Cipher) -> Query[WebhookKey]:
    """The channel's webhook."""
    return Query(
        "SELECT * FROM webhooks WHERE channel_id = :channel_id",
        lambda row: read(row, cipher),
        {"channel_id": channel_id},
    )


def get_id(channel_id: int) -> Query[int]:
    """The id of the channel's webhook, for which no key is needed."""
    return Query(
        "SELECT webhook_id FROM webhooks WHERE channel_id = :channel_id",
        lambda row: int(row["webhook_id"]),
        {"channel_id": channel_id},
    )


def is_own(webhook_id: int) -> Query[bool]:
    """One row if the webhook is one of the bot's."""
    return Query("SELECT 1 FROM webhooks WHERE webhook_id = :webhook_id", lambda _: True, {"webhook_id": webhook_id})


def read(row: Row, cipher: Cipher) -> WebhookKey:
    """The webhook in a row of the table, decrypted."""
    return WebhookKey(
        channel_id=row["channel_id"],
        webhook_id=row["webhook_id"],
        token=cipher.decrypt(row["token"], TABLE, "token", row["channel_id"]),
        created_at=to_time(row["created_at"]),
    )
