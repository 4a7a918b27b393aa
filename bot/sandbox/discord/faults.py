"""What can go wrong, on demand: a fault applies to the next requests that match, then it is used up."""

from dataclasses import dataclass, field

from bot.sandbox.discord.failures import Failure
from bot.sandbox.discord.limits import too_many_requests

ANY = "*"


@dataclass(slots=True)
class Fault:
    """What happens to requests of one kind; `is_done` means that the request takes effect all the same."""

    method: str
    route: str
    times: int = 1
    failure: Failure | None = None
    delay_seconds: float = 0.0
    is_done: bool = False
    is_hung: bool = False
    is_cut: bool = False

    def repeat(self, times: int) -> None:
        """Let it hit this many requests in place of one."""
        self.times = times

    def matches(self, method: str, route: str) -> bool:
        """Whether it applies to this request."""
        return self.times > 0 and self.method in (ANY, method) and self.route in (ANY, route)


@dataclass(slots=True)
class Faults:
    """The faults to come. `route` is a template such as /channels/{channel_id}/messages, or * for every route.

    Each hits one request; `.repeat(n)` on what is returned makes it more. `identify_code` closes every IDENTIFY and
    RESUME with that code while it is set (4004, 4014, 4000, …).
    """

    identify_code: int | None = None
    is_token_revoked: bool = False
    _planned: list[Fault] = field(default_factory=list)

    def fail(self, method: str, route: str, status: int, *, code: int = 0) -> Fault:
        """Answer with this error, without doing what was asked."""
        return self._plan(Fault(method, route, failure=Failure(status, code, f"{status}: made to fail")))

    def lose_answer(self, method: str, route: str, status: int | None = None) -> Fault:
        """Do what was asked, then answer with this status, or cut the connection when there is none."""
        failure = None if status is None else Failure(status, 0, f"{status}: the answer was lost")
        return self._plan(Fault(method, route, failure=failure, is_done=True, is_cut=status is None))

    def limit(self, method: str, route: str, retry_after: float, *, via: bool = True) -> Fault:
        """Answer 429; `via=False` is Cloudflare's, after which a client must not simply go on."""
        return self._plan(Fault(method, route, failure=too_many_requests(retry_after, via=via)))

    def delay(self, method: str, route: str, seconds: float) -> Fault:
        """Do what was asked at once, and answer late."""
        return self._plan(Fault(method, route, delay_seconds=seconds, is_done=True))

    def hang(self, method: str, route: str) -> Fault:
        """Take the request, do nothing and never answer."""
        return self._plan(Fault(method, route, is_hung=True))

    def _plan(self, fault: Fault) -> Fault:
        self._planned.append(fault)
        return fault

    def clear(self) -> None:
        """Everything works again."""
        self._planned.clear()
        self.identify_code = None
        self.is_token_revoked = False

    def take(self, method: str, route: str) -> Fault | None:
        """The fault that hits this request, used up by one."""
        for fault in self._planned:
            if fault.matches(method, route):
                fault.times -= 1
                return fault
        return None
