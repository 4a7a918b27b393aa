"""Keeps one person, or one lively channel, from taking what all others share."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.errors import NotAllowedError
from bot.model import Clock, Heard, Turn, utc_now
from bot.rules.dialogue.pace import Window, too_much_in_channel, too_much_of_user
from bot.services.dialogue.intervals import OnceInAWhile
from bot.services.policy import Policy
from bot.services.recent import Recent

REMEMBERED = 10_000
"""How many people, and how many channels, are kept in mind: those that were heard last."""


@dataclass(slots=True)
class Counter:
    """What has counted for whom."""

    window: Window
    _counted: Recent[int, list[int]] = field(default_factory=lambda: Recent(REMEMBERED))

    def of(self, key: int) -> list[int]:
        """The ids of what has counted lately."""
        return self._counted.get(key, [])

    def add(self, key: int, new: int) -> None:
        """Let it count."""
        self._counted[key] = self.window.add(self.of(key), new)


@dataclass(slots=True, kw_only=True, eq=False)
class Pace:
    """Commands, and messages that would be answered, count for their author; answers count for the channel.

    It is in memory. A new process takes over what was answered shortly before, so that it does not answer late what was
    refused; of commands and refusals it knows nothing, and allows at most as much once more. What is refused waits
    nowhere, and does not count, so who goes on is not shut out for longer.
    Nobody is exempt, the bot's owner neither: the limits are beyond what a person reads.
    """

    policy: Policy
    clock: Clock = utc_now
    _users: Counter = field(init=False, repr=False)
    _channels: Counter = field(init=False, repr=False)
    _told: OnceInAWhile = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Nothing has counted yet."""
        interval = self.policy.rate_interval
        self._users = Counter(Window(self.policy.user_rate_limit, interval))
        self._channels = Counter(Window(self.policy.channel_rate_limit, interval))
        self._told = OnceInAWhile(self.clock)

    def admits(self, heard: Heard) -> bool:
        """Whether a message may be answered; then it counts, once however often it is asked for.

        It counts by the time at which it was written: what came while nobody listened is answered as it would have
        been then, though all of it is heard at once. Raises NotAllowedError for one that may not, and is False where
        that was said within the interval.
        """
        refusal = self._of_user(heard.author_id, heard.message_id) or self._of_channel(heard)
        if refusal is None:
            self._users.add(heard.author_id, heard.message_id)
            self._channels.add(heard.place.channel_id, heard.message_id)
            return True
        return self._refuse(refusal)

    def remember(self, answered: Iterable[Turn]) -> None:
        """Let count what an earlier process, or this one, has admitted."""
        for turn in answered:
            self._users.add(turn.user_id, turn.message_id)
            self._channels.add(turn.channel_id, turn.message_id)

    def admits_word(self, heard: Heard) -> bool:
        """Whether its author may be told something of a message that gets no answer: that counts for them alone."""
        return self.admits_command(heard.author_id, heard.message_id, is_seen_by_all=True)

    def admits_command(self, user_id: int, command_id: int, *, is_seen_by_all: bool) -> bool:
        """The same for a command, by the id of its message or interaction; what only its author sees is told always."""
        refusal = self._of_user(user_id, command_id)
        if refusal is None:
            self._users.add(user_id, command_id)
            return True
        if not is_seen_by_all:
            raise refusal[0]
        return self._refuse(refusal)

    def _of_user(self, user_id: int, new: int) -> tuple[NotAllowedError, str, int] | None:
        window, counted = self._users.window, self._users.of(user_id)
        if window.admits(counted, new):
            return None
        return too_much_of_user(window.free_at(counted, new)), "user", user_id

    def _of_channel(self, heard: Heard) -> tuple[NotAllowedError, str, int] | None:
        channel_id = heard.place.channel_id
        window, counted = self._channels.window, self._channels.of(channel_id)
        if window.admits(counted, heard.message_id):
            return None
        return too_much_in_channel(window.free_at(counted, heard.message_id)), "channel", channel_id

    def _refuse(self, refusal: tuple[NotAllowedError, str, int]) -> bool:
        error, *whom = refusal
        if self._told.may_say(self.policy.rate_interval, *whom):
            raise error
        return False
