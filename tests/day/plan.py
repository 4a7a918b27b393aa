"""What happens in the day, the same for the same seed; made beside the model, so that it knows what to aim at."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from random import Random

from tests.day.acts import Act, Break, Delete, Edit, Moment, Order, Outcome, Say, Trouble
from tests.day.cast import CROWD, SPOTS, Kind, PlaceKind, by_kind, personalities
from tests.day.oracle import AUTOMATIC_SECONDS, DM_SECONDS, HOUR, MINUTE, Oracle
from tests.day.wording import Wording

PAUSE_SECONDS = 15.0
"""Between two moments, on average."""
MARGIN_SECONDS = 20.0
"""How far from a time limit people keep, as the answer takes a little time itself."""
BREAKS = (Break.RESUME, Break.INVALID, Break.CLEAN, Break.KILLED)
PROXIES = {Kind.PLURALKIT: "PLURALKIT", Kind.TUPPERBOX: "TUPPERBOX"}
PROXIED = (PlaceKind.CHANNEL, PlaceKind.THREAD, PlaceKind.FORUM_POST)
FLOOD = 24
FLOODERS = by_kind(Kind.AUTOMATIC, Kind.ORDINARY)
"""So many at once are more than one person's share; of half as many people three each are more than a place's."""
PROXIED_SHARE, DELETED_FIRST_SHARE, SLOW_SHARE, PICTURE_SHARE = 0.85, 0.3, 0.5, 0.08
MODERATORS = by_kind(Kind.ORDINARY)[:4]


@dataclass(slots=True)
class Plan:
    """The moments of a day, and what the model says of each message in it."""

    seed: int
    hours: float
    moments: list[Moment] = field(default_factory=list)
    oracle: Oracle = field(default_factory=Oracle)


def plan_day(seed: int, hours: float) -> Plan:
    """The day of this seed."""
    plan = Plan(seed, hours)
    planner = Planner(Random(seed), plan.oracle)  # noqa: S311 - invented, and the same every time
    plan.moments.extend(planner.moments(hours * HOUR))
    return plan


@dataclass(slots=True)
class Planner:
    """Makes one moment after the other."""

    random: Random
    oracle: Oracle
    wording: Wording = field(init=False)
    now: float = 0.0
    number: int = 0
    _later: list[tuple[float, int, Edit]] = field(default_factory=list)
    _troubles: int = 0
    _breaks: int = 0

    def __post_init__(self) -> None:
        """Let the same chance find the words."""
        self.wording = Wording(self.random)

    def moments(self, seconds: float) -> Iterator[Moment]:
        """Until the time is over."""
        next_break = 8 * MINUTE
        while True:
            self.now = self._next_time()
            if self.now >= seconds:
                return
            if self._later and self._later[0][0] <= self.now:
                yield self._edit()
            elif self.now >= next_break:
                next_break = self.now + 15 * MINUTE
                yield self._gap()
            else:
                yield self._anything()

    def _next_time(self) -> float:
        now = round(self.now + 1 + self.random.expovariate(1 / PAUSE_SECONDS), 3)
        return max(self.now + 1, self._later[0][0]) if self._later and self._later[0][0] <= now else now

    def _anything(self) -> Moment:
        kinds = {
            self._burst: 56,
            self._conversation: 18,
            self._trouble: 7,
            self._held: 5,
            self._deleted: 4,
            self._first_draft: 6,
            self._order: 7,
            self._flood: 1,
        }
        make = self.random.choices(list(kinds), list(kinds.values()))[0]
        return make()

    def _burst(self) -> Moment:
        """A few messages at once, anywhere; no person writes twice in one place."""
        taken: set[tuple[int, int]] = set()
        return Moment(self.now, tuple(self._said(self._line(taken)) for _ in range(self.random.randint(1, 6))))

    def _conversation(self) -> Moment:
        """Somebody writes on without calling anybody, soon after an answer or long after."""
        for user, spot in self.random.sample(list(self.oracle.talking), len(self.oracle.talking)):
            _, last = self.oracle.talking[user, spot]
            limit = DM_SECONDS if SPOTS[spot].kind is PlaceKind.DM else AUTOMATIC_SECONDS
            if abs(self.now - last - limit) > MARGIN_SECONDS and (
                user in self.oracle.automatic or SPOTS[spot].kind is PlaceKind.DM
            ):
                return Moment(self.now, (self._said(self._plain(user, spot)),))
        return self._burst()

    def _trouble(self) -> Moment:
        """One message whose answer meets a fault."""
        trouble = list(Trouble)[self._troubles % len(Trouble)]
        self._troubles += 1
        user, spot = self._pair(healthy=True)
        while SPOTS[spot].kind is PlaceKind.DM:  # there discord.py repeats a request by itself, after real seconds
            user, spot = self._pair(healthy=True)
        return Moment(self.now, (self._said(self._calling(user, spot, trouble=trouble)),))

    def _held(self) -> Moment:
        """The AI service is slow, and others write behind the one who waits."""
        user, spot = self._pair(healthy=True)
        acts: list[Act] = [self._said(self._calling(user, spot))]
        taken = {(user, spot)}
        places = [spot if self.random.random() < 0.7 else None for _ in range(self.random.randint(1, 3))]
        acts += [self._said(self._line(taken, place)) for place in places]
        return Moment(self.now, tuple(acts), is_held=True)

    def _deleted(self) -> Moment:
        """A message is deleted while the AI service thinks about it."""
        user, spot = self._pair(healthy=True)
        say = self._said(self._calling(user, spot))
        delete = Delete(say.number)
        self.oracle.delete(delete)
        return Moment(self.now, (say, delete), is_held=True)

    def _first_draft(self) -> Moment:
        """A message without a mention, into which one will be edited, in time or too late."""
        user, spot = self._pair(healthy=True)
        say = self._said(self._plain(user, spot))
        verdict = self.oracle.verdicts[say.number]
        if verdict.outcome is Outcome.NOTHING:
            after = self.random.choice((self.random.uniform(3, 50), self.random.uniform(70, 300)))
            persona = self.random.randrange(len(personalities()))
            text = self.wording.mentioning(self.wording.name(persona), say.number)
            heapq.heappush(self._later, (round(self.now + after, 3), say.number, Edit(say.number, text, persona)))
        return Moment(self.now, (say,))

    def _flood(self) -> Moment:
        """One person, or everybody in one place, asks more in a moment than is answered in a minute."""
        user = self.random.choice(FLOODERS)
        spot = self.random.choice(self._spots(PlaceKind.CHANNEL, PlaceKind.THREAD))
        users = [user] * FLOOD if self.random.random() < 0.5 else self.random.sample(FLOODERS, FLOOD // 2) * 3
        return Moment(self.now, tuple(self._said(self._calling(one, spot)) for one in users))

    def _edit(self) -> Moment:
        _, _, edit = heapq.heappop(self._later)
        self.oracle.edit(edit, self.now)
        return Moment(self.now, (edit,))

    def _order(self) -> Moment:
        """Somebody decides who answers from now on."""
        self.number += 1
        word = self.random.choice(("activate", "deactivate", "autorespond on", "autorespond off", "reset"))
        if word in ("activate", "deactivate"):
            spot = self.random.choice(self._spots(PlaceKind.CHANNEL))
            word = "deactivate" if spot in self.oracle.active else "activate"
            persona = self.random.randrange(len(personalities())) if word == "activate" else None
            order = Order(self.number, self._somebody(MODERATORS), spot, word, persona)
        else:
            user = self._somebody(by_kind(Kind.AUTOMATIC, Kind.ORDINARY))
            order = Order(self.number, user, self.random.choice(self._spots(PlaceKind.CHANNEL)), word)
        self.oracle.obey(order, self.now)
        return Moment(self.now, (order,))

    def _somebody(self, users: Sequence[int]) -> int:
        """One of them who has not asked too much, and so gets a word for a command."""
        return self.random.choice([user for user in users if self.oracle.may_ask(user, self.now)])

    def _gap(self) -> Moment:
        """The bot is away while people write."""
        kind = BREAKS[self._breaks % len(BREAKS)]
        self._breaks += 1
        start = self.now
        is_long = kind in (Break.CLEAN, Break.KILLED)
        lasts = self.random.choice((20.0, 90.0, 5 * MINUTE, 25 * MINUTE)) if is_long else 0.0
        acts: list[Say] = []
        taken: set[tuple[int, int]] = set()
        while len(acts) < self.random.randint(3, 8):
            user, spot = self._pair(healthy=True, taken=taken, with_proxies=bool(acts))
            if spot not in self.oracle.order and spot not in self.oracle.active:
                continue
            is_call = not acts or self.random.random() < 0.7
            say = self._calling(user, spot) if is_call else self._plain(user, spot)
            acts.append(changed(self._through_a_proxy(say), is_slow=False) if acts else say)
        self.now = start + lasts
        if kind in (Break.CLEAN, Break.KILLED):
            self.oracle.restart()
        if kind is Break.KILLED:  # it has heard the first, which waits for the AI service
            self.oracle.asked_twice.add(acts[0].number)
        step = 0.0 if not lasts else lasts / 2 / len(acts)
        for position, act in enumerate(acts):
            self.oracle.say(act, start + position * step, self.now, is_missed=kind is not Break.RESUME)
        return Moment(start, tuple(acts), gap=kind, lasts=lasts, is_held=kind is Break.KILLED)

    def _said(self, say: Say) -> Say:
        self.oracle.say(say, self.now)
        return say

    def _line(self, taken: set[tuple[int, int]], spot: int | None = None) -> Say:
        user, spot = self._pair(taken=taken, spot=spot)
        return self._through_a_proxy(self._line_of(user, spot))

    def _through_a_proxy(self, say: Say) -> Say:
        """Those who write through a proxy bot mostly do, where one is."""
        bot = PROXIES.get(CROWD[say.user])
        if bot is None or SPOTS[say.spot].kind not in PROXIED or self.random.random() > PROXIED_SHARE:
            return say
        is_known = any(
            self.oracle.said[number].proxy is not None and self.oracle.said[number].user == say.user
            for number in self.oracle.order.get(say.spot, [])
            if self.oracle.verdicts[number].at < self.now
        )
        return changed(
            say,
            proxy=bot,
            has_picture=False,
            deletes_first=self.random.random() < DELETED_FIRST_SHARE,
            is_slow=is_known and self.random.random() < SLOW_SHARE,
        )

    def _line_of(self, user: int, spot: int) -> Say:
        roll = self.random.random()
        if roll < 0.35:
            return self._plain(user, spot)
        answered = [number for number in self.oracle.order.get(spot, []) if self.oracle.verdicts[number].at < self.now]
        if roll < 0.6 and answered:
            return self._reply(user, spot, answered)
        return self._calling(user, spot)

    def _reply(self, user: int, spot: int, answered: list[int]) -> Say:
        """To what was just said, or to something of long ago."""
        number = self.random.choice(answered[-3:] if self.random.random() < 0.5 else answered)
        to_person = self.random.random() < 0.15
        self.number += 1
        text = f"{self.wording.words()} №{self.number}"
        return Say(self.number, user, spot, text, replies_to=number, to_person=to_person)

    def _plain(self, user: int, spot: int) -> Say:
        self.number += 1
        return Say(self.number, user, spot, self.wording.aside(self.number))

    def _calling(self, user: int, spot: int, trouble: Trouble | None = None) -> Say:
        persona = self.random.randrange(len(personalities()))
        name = self.wording.name(persona)
        self.number += 1
        text = self.wording.mentioning(name, self.number)
        has_picture = trouble is None and self.random.random() < PICTURE_SHARE
        return Say(
            self.number, user, spot, text, mention=name, persona=persona, trouble=trouble, has_picture=has_picture
        )

    def _pair(
        self,
        *,
        healthy: bool = False,
        taken: set[tuple[int, int]] | None = None,
        spot: int | None = None,
        with_proxies: bool = False,
    ) -> tuple[int, int]:
        """Somebody and a place where they write; `healthy` ones would get an answer there, without delay."""
        while True:
            place = self.random.randrange(len(SPOTS)) if spot is None else spot
            owner = SPOTS[place].user
            user = self.random.randrange(len(CROWD)) if owner is None else owner
            is_fit = _is_healthy(user, place) and self.oracle.has_room(user, place, self.now)
            if healthy and not (is_fit and (with_proxies or CROWD[user] not in PROXIES)):
                spot = None
                continue
            if taken is None:
                return user, place
            if (user, place) not in taken:
                taken.add((user, place))
                return user, place
            spot = None

    def _spots(self, *kinds: PlaceKind) -> list[int]:
        return [number for number, spot in enumerate(SPOTS) if spot.kind in kinds]


def _is_healthy(user: int, spot: int) -> bool:
    is_known = CROWD[user] not in (Kind.STRANGER, Kind.EXPIRED, Kind.BANNED)
    is_shown = SPOTS[spot].kind is not PlaceKind.DM or CROWD[user] is not Kind.UNVERIFIED
    return is_known and is_shown and SPOTS[spot].kind is not PlaceKind.TAME
