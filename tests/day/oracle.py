"""A small model of who must answer what. It reads the acts of the plan, and nothing of the bot's code.

The order: a reply to what a personality said, a mention, an activated place, a conversation that goes on by itself.
"""

from dataclasses import dataclass, field

from tests.day.acts import IS_FINAL, Delete, Edit, Order, Outcome, Say, Verdict
from tests.day.cast import CROWD, SPOTS, Kind, PlaceKind

MINUTE, HOUR = 60.0, 3600.0
AUTOMATIC_SECONDS = 30 * MINUTE
DM_SECONDS = 2 * HOUR
EDIT_SECONDS = MINUTE
LATE_SECONDS = 15 * MINUTE
REFUSAL_SECONDS = 10 * MINUTE
BYSTANDER_SECONDS = 24 * HOUR
PACE_SECONDS = MINUTE
USER_LIMIT, SPOT_LIMIT = 20, 30
"""How much of one person, and how much in one place, is answered in that time."""
NOBODY = "nobody was addressed"
CALLED = ("a reply to what it said", "a mention")
ACTIVE = "an activated place"

Talk = tuple[int, float]
"""The personality that answered last, and when."""


@dataclass(slots=True)
class Oracle:
    """What it knows at a time, and its verdict on each message so far."""

    verdicts: dict[int, Verdict] = field(default_factory=dict)
    said: dict[int, Say] = field(default_factory=dict)
    written_at: dict[int, float] = field(default_factory=dict)
    answered_by: dict[int, int] = field(default_factory=dict)
    order: dict[int, list[int]] = field(default_factory=dict)
    active: dict[int, int] = field(default_factory=dict)
    automatic: set[int] = field(default_factory=set)
    talking: dict[tuple[int, int], Talk] = field(default_factory=dict)
    asked_twice: set[int] = field(default_factory=set)
    """For these the AI service may be asked again: the bot was killed meanwhile, or did not know yet of a proxy."""
    _before: dict[int, Talk | None] = field(default_factory=dict)
    _told_at: dict[tuple[object, ...], float] = field(default_factory=dict)
    _counted: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    _admitted: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with what the day begins with."""
        self.active = {number: spot.persona for number, spot in enumerate(SPOTS) if spot.persona is not None}
        self.automatic = {number for number, kind in enumerate(CROWD) if kind is Kind.AUTOMATIC}

    def say(self, say: Say, at: float, now: float | None = None, *, is_missed: bool = False) -> Verdict:
        """A message is written; `now` is when the bot gets to it, `is_missed` where it was not told of it then."""
        self.said[say.number], self.written_at[say.number] = say, at
        now = at if now is None else now
        if say.proxy is not None:
            self.asked_twice.add(say.number)
        if is_missed and say.proxy == "TUPPERBOX":
            return self._note(say, Verdict(Outcome.NOTHING, "whose copy it is, nobody can tell any more"))
        if now - at >= LATE_SECONDS:
            return self._note(say, Verdict(Outcome.NOTHING, "written more than 15 minutes before the bot was back"))
        return self._note(say, self._judge(say, now))

    def edit(self, edit: Edit, at: float) -> Verdict:
        """A mention is written into a message that had no answer."""
        say, before = self.said[edit.number], self.verdicts[edit.number]
        if before.outcome is not Outcome.NOTHING:
            return before
        if at - self.written_at[edit.number] > EDIT_SECONDS:
            return self._note(say, Verdict(Outcome.NOTHING, "a mention was edited in, but more than a minute later"))
        changed = Say(say.number, say.user, say.spot, edit.text, mention="edited in", persona=edit.persona)
        return self._note(changed, self._judge(changed, at, is_edit=True))

    def delete(self, delete: Delete) -> Verdict:
        """A message is deleted while its answer is awaited."""
        say, verdict = self.said[delete.number], self.verdicts[delete.number]
        if verdict.outcome is Outcome.ANSWER:
            self.order[say.spot].remove(say.number)
            self.answered_by.pop(say.number)
            self._restore(say)
        return self._note(say, Verdict(Outcome.NOTHING, "deleted before its answer"))

    def obey(self, order: Order, at: float) -> Verdict:
        """A command takes effect, and is answered by the bot itself."""
        if order.word == "activate" and order.persona is not None:
            self.active[order.spot] = order.persona
        elif order.word == "deactivate":
            self.active.pop(order.spot, None)
        elif order.word == "autorespond on":
            self.automatic.add(order.user)
        elif order.word == "autorespond off":
            self.automatic.discard(order.user)
        elif order.word == "reset":
            self.talking.pop((order.user, order.spot), None)
        self.written_at[order.number] = at
        self._counts("user", order.user, at, USER_LIMIT)
        self.verdicts[order.number] = Verdict(Outcome.WORD, f"the command {order.word}")
        return self.verdicts[order.number]

    def restart(self) -> None:
        """With each process the bot forgets whom it told what, and which commands and refusals were too many."""
        self._told_at.clear()
        self._counted = {key: list(times) for key, times in self._admitted.items()}

    def has_room(self, user: int, spot: int, at: float) -> bool:
        """Whether this person, and this place, may have another answer."""
        return self.may_ask(user, at) and len(self._near("place", spot, at)) < SPOT_LIMIT

    def may_ask(self, user: int, at: float) -> bool:
        """Whether this person has not asked too much already."""
        return len(self._near("user", user, at)) < USER_LIMIT

    def talks_with(self, user: int, spot: int, at: float) -> int | None:
        """Who goes on answering what this person writes here at that time without being called."""
        is_dm = SPOTS[spot].kind is PlaceKind.DM
        talk = self.talking.get((user, spot))
        if talk is None or (not is_dm and user not in self.automatic):
            return None
        persona, last = talk
        return persona if at - last < (DM_SECONDS if is_dm else AUTOMATIC_SECONDS) else None

    def _judge(self, say: Say, now: float, *, is_edit: bool = False) -> Verdict:
        if CROWD[say.user] is Kind.BANNED:
            return Verdict(Outcome.NOTHING, "barred")
        wanted = self._wanted(say)
        if wanted is None:
            return self._hint(say, now)
        persona, why = wanted
        refused = self._refused(say, why, now, is_edit=is_edit) or self._too_much(say)
        if refused is not None:
            return refused
        if say.trouble is not None and say.trouble in IS_FINAL:
            return Verdict(Outcome.WORD, f"{why}, but {say.trouble.value}")
        return Verdict(Outcome.ANSWER, why, persona, say.user, now)

    def _refused(self, say: Say, why: str, now: float, *, is_edit: bool) -> Verdict | None:
        """Whoever called somebody is told each time why there is no answer, everybody else once in a while.

        Who only writes in an activated place may want no answer, and is told once a day.
        """
        refusal = _refusal(say)
        if refusal is None:
            return None
        is_news = self._is_news(say, refusal, now, BYSTANDER_SECONDS if why == ACTIVE else REFUSAL_SECONDS)
        is_told = (why in CALLED and not is_edit) or is_news
        if is_told and self._counts("user", say.user, self.written_at[say.number], USER_LIMIT):
            return Verdict(Outcome.WORD, f"{why}, but {refusal}")
        return Verdict(Outcome.NOTHING, f"{why}, but {refusal}, as was said before")

    def _wanted(self, say: Say) -> tuple[int, str] | None:
        if say.replies_to is not None and not say.to_person and say.replies_to in self.answered_by:
            return self.answered_by[say.replies_to], CALLED[0]
        if say.persona is not None:
            return say.persona, CALLED[1]
        for spot in (say.spot, SPOTS[say.spot].parent):
            if spot is not None and spot in self.active:
                return self.active[spot], ACTIVE
        persona = self.talks_with(say.user, say.spot, self.written_at[say.number])
        return None if persona is None else (persona, "its conversation goes on")

    def _hint(self, say: Say, now: float) -> Verdict:
        """In a direct message the bot says once in a while what to do."""
        if SPOTS[say.spot].kind is PlaceKind.DM and self._is_news(say, "hint", now):
            return Verdict(Outcome.WORD, f"{NOBODY}, so the bot says how")
        return Verdict(Outcome.NOTHING, NOBODY)

    def _is_news(self, say: Say, what: str, now: float, seconds: float = REFUSAL_SECONDS) -> bool:
        return self._is_first((say.user, say.spot, what), now, seconds)

    def _is_first(self, key: tuple[object, ...], now: float, seconds: float) -> bool:
        if now - self._told_at.get(key, -seconds) < seconds:
            return False
        self._told_at[key] = now
        return True

    def _too_much(self, say: Say) -> Verdict | None:
        """Whoever asks too much is told so once; the rest is passed over."""
        at = self.written_at[say.number]
        for kind, key, limit in (("user", say.user, USER_LIMIT), ("place", say.spot, SPOT_LIMIT)):
            if len(self._near(kind, key, at)) >= limit:
                why = f"more than a {kind} is answered in a minute"
                if self._is_first((kind, key), at, PACE_SECONDS):
                    return Verdict(Outcome.WORD, why)
                return Verdict(Outcome.NOTHING, f"{why}, as was said before")
        self._counts("user", say.user, at, USER_LIMIT)
        self._counts("place", say.spot, at, SPOT_LIMIT)
        for counted in (("user", say.user), ("place", say.spot)):
            self._admitted.setdefault(counted, []).append(at)
        return None

    def _counts(self, kind: str, key: int, at: float, limit: int) -> bool:
        """Whether it is within the limit; then it counts."""
        near = self._near(kind, key, at)
        if len(near) >= limit:
            return False
        self._counted[kind, key] = [*near, at]
        return True

    def _near(self, kind: str, key: int, at: float) -> list[float]:
        return [one for one in self._counted.get((kind, key), []) if abs(at - one) < PACE_SECONDS]

    def _note(self, say: Say, verdict: Verdict) -> Verdict:
        self.verdicts[say.number] = verdict
        if verdict.outcome is Outcome.ANSWER and verdict.persona is not None:
            self.answered_by[say.number] = verdict.persona
            self._before[say.number] = self.talking.get((say.user, say.spot))
            self.talking[say.user, say.spot] = (verdict.persona, verdict.at)
            self.order.setdefault(say.spot, []).append(say.number)
        return verdict

    def _restore(self, say: Say) -> None:
        before = self._before.pop(say.number)
        if before is None:
            self.talking.pop((say.user, say.spot), None)
        else:
            self.talking[say.user, say.spot] = before


def _refusal(say: Say) -> str | None:
    place, kind = SPOTS[say.spot].kind, CROWD[say.user]
    if place is PlaceKind.TAME:
        return "the channel is for all ages"
    if place is PlaceKind.DM and kind is Kind.UNVERIFIED:
        return "the age was not checked"
    if kind in (Kind.STRANGER, Kind.EXPIRED):
        return "no valid login"
    return None
