"""Files of messages, as Discord's CDN would serve them."""

from collections.abc import Iterable

from bot.sandbox.discord.model import JSON, Upload

CDN = "https://cdn.sandbox.invalid"
SIGNATURE = "ex=7fffffff&is=70000000&hm=0123456789abcdef"
"""Discord signs its addresses; without their query they are refused."""
PICTURE_SIDE = 64


def attachments_json(channel_id: int, message_id: int, uploads: Iterable[Upload]) -> tuple[JSON, ...]:
    """The attachments of a message; an image has its measures too."""
    return tuple(_attachment(channel_id, message_id + number, upload) for number, upload in enumerate(uploads))


def _attachment(channel_id: int, attachment_id: int, upload: Upload) -> JSON:
    address = f"{CDN}/attachments/{channel_id}/{attachment_id}/{upload.filename}?{SIGNATURE}"
    measures = {"width": PICTURE_SIDE, "height": PICTURE_SIDE} if upload.content_type.startswith("image/") else {}
    return {
        "id": str(attachment_id),
        "filename": upload.filename,
        "size": upload.size,
        "content_type": upload.content_type,
        "url": address,
        "proxy_url": address,
        **measures,
    }
