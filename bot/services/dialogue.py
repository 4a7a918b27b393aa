"""A message is heard, and a personality answers it."""

from dataclasses import dataclass

from bot.model import Clock, Heard, utc_now
from bot.services.policy import Policy
from bot.services.ports import Speaker, Thinker
from bot.store.cipher import Cipher
from bot.store.statement import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """Decides who answers a message, asks the AI service, and says the answer, each step committed before the next."""

    store: Store
    cipher: Cipher
    speaker: Speaker
    thinker: Thinker
    policy: Policy
    clock: Clock = utc_now

    async def hear(self, heard: Heard) -> None:
        """Answer the message if a personality should; returns when everything is said, or at once if none should.

        Call it for every message of a human that is no command. Turns of one channel are answered in the order of
        the calls, different channels in parallel. Raises a TzurotError whose sentence the author must be told
        (as a reply by the bot, without pinging anyone).
        """
        raise NotImplementedError

    async def close(self, timeout_seconds: float) -> None:
        """Hear nothing new, wait that long for running turns, then cancel them: their rows say how far they got."""
        raise NotImplementedError
