"""What a message on Discord holds, as the program's own: its words, its boxes, and what it shows or plays."""

from collections.abc import Sequence
from pathlib import PurePath

import discord

from bot.model import Embed, Media, MediaKind, Quote
from bot.rules.dialogue.proxying import PROXIES, replied_to
from bot.rules.dialogue.speech import undo_dm_text

PERSONAL = (discord.MessageType.default, discord.MessageType.reply)
IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})
UNKNOWN_TYPES = (None, "", "application/octet-stream")
SOUNDS = frozenset({".mp3", ".ogg", ".oga", ".opus", ".wav", ".m4a", ".aac", ".flac", ".weba"})


def quote_of(message: discord.Message, own_user: discord.abc.User | None) -> Quote:
    """A message as another one quotes it; in a direct message a personality is named in front of its words."""
    is_own = message.author == own_user and message.guild is None and not message.webhook_id
    parts = undo_dm_text(message.content) if is_own else None
    name, content = parts or (message.author.display_name, message.content)
    reference = message.reference
    is_reply = message.type is discord.MessageType.reply and reference is not None
    boxes, replied_to_id = boxes_of(message)
    return Quote(
        message_id=message.id,
        author_name=name,
        content=content,
        media=media_of(message.attachments),
        embeds=boxes,
        replied_to_id=reference.message_id if reference and is_reply else replied_to_id,
    )


def is_a_copy(message: discord.Message) -> bool:
    """Whether a proxy bot's webhook has posted it for a person; what it says to a slash command is none."""
    is_webhook = message.webhook_id is not None and message.webhook_id != message.application_id
    return is_webhook and message.application_id in PROXIES and message.type in PERSONAL


def boxes_of(message: discord.Message) -> tuple[tuple[Embed, ...], int | None]:
    """Its boxes, and the message that it replies to where one of them says so: a proxy bot can't reply otherwise."""
    boxes = tuple(map(embed_of, message.embeds))
    if not is_a_copy(message):
        return boxes, None
    replies = [replied_to(box.author, box.description, message.channel.id) for box in boxes]
    others = tuple(box for box, reply in zip(boxes, replies, strict=True) if reply is None)
    return others, next(filter(None, replies), None)


def media_of(attachments: Sequence[discord.Attachment]) -> Media | None:
    """The first image or sound among the files of a message."""
    found = ((_kind_of(attachment), attachment.url) for attachment in attachments)
    return next((Media(kind, url) for kind, url in found if kind and _is_address(url)), None)


def embed_of(embed: discord.Embed) -> Embed:
    """A box without Discord's types."""
    return Embed(
        author=embed.author.name or "",
        title=embed.title or "",
        description=embed.description or "",
        fields=tuple((field.name or "", field.value or "") for field in embed.fields),
        footer=embed.footer.text or "",
        image=_image_of(embed),
    )


def _kind_of(attachment: discord.Attachment) -> MediaKind | None:
    """By what Discord says of the file, else by the ending of its name."""
    if attachment.content_type not in UNKNOWN_TYPES:
        kind = str(attachment.content_type).partition("/")[0].lower()
        return next((known for known in MediaKind if known == kind), None)
    ending = PurePath(attachment.filename).suffix.lower()
    if ending in IMAGES:
        return MediaKind.IMAGE
    return MediaKind.AUDIO if ending in SOUNDS else None


def _image_of(embed: discord.Embed) -> Media | None:
    """Its image, through Discord's own proxy where there is one; of a box without words, the small one counts too."""
    shown = [embed.image] if embed.title or embed.description else [embed.image, embed.thumbnail]
    addresses = (address for proxy in shown for address in (proxy.proxy_url, proxy.url) if address)
    return next((Media(MediaKind.IMAGE, address) for address in addresses if _is_address(address)), None)


def _is_address(url: str) -> bool:
    return url.lower().startswith(("https://", "http://"))
