"""From the database's tables back to the original's files, in both of its last formats."""

from bot.store.legacy.encoding.detect import detect_format
from bot.store.legacy.encoding.files import plans

__all__ = ["detect_format", "plans"]
