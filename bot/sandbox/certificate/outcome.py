"""What became of a run, and whether that is what was promised."""

from dataclasses import asdict, dataclass
from typing import Any

from bot.sandbox.certificate.books import BALANCED, Balance
from bot.sandbox.certificate.plan import Plan, Victim


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run. Times are in milliseconds and None where there is none, as after a run that failed.

    `lost` are acknowledged writes that are gone, `unsound` databases or copies that failed a check, `unnamed` what a
    receipt does not say, `failure` why it could not be played to its end; `loss_window_ms` says how far back
    conversation data went with a volume.
    """

    plan: Plan
    acknowledged: int = 0
    questions: int = 0
    lost: tuple[str, ...] = ()
    balance: Balance = BALANCED
    unsound: tuple[str, ...] = ()
    unnamed: str = ""
    failure: str = ""
    is_at_point: bool = True
    repeated_calls: int = 0
    loss_window_ms: float | None = None
    first_answer_ms: float | None = None
    all_answered_ms: float | None = None
    seconds: float = 0.0

    def broken(self) -> list[str]:
        """The sentences that contradict the promise; beyond it, only some things count."""
        found = [*(f"lost: {key}" for key in self.lost), *filter(None, (self.unnamed, self.failure))]
        if self.plan.victim is Victim.DEPLOYED and self.loss_window_ms:
            found.append(f"it said that everything is in the bucket, and lacks {self.loss_window_ms:.0f} ms")
        if self.plan.is_beyond_promise:
            return found
        balance = self.balance
        return [*found, *balance.missed, *balance.doubled, *balance.wrong_voice, *balance.out_of_order, *self.unsound]

    def as_json(self) -> dict[str, Any]:
        """The run as an object of the report."""
        is_beyond = self.plan.is_beyond_promise
        return {**asdict(self), "is_beyond_promise": is_beyond, "broken": self.broken()}
