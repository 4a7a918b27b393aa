"""Who answers a message, and whether its author may have the answer."""

from dataclasses import dataclass, field

from bot.errors import NotAllowedError, NotFoundError, TzurotError
from bot.model import Cause, Clock, Heard, Personality, Turn, TurnState, snowflake_time, utc_now
from bot.rules.commands.permissions import require_conversation_place, require_login, require_saving, require_voice
from bot.rules.dialogue.answering import EXPLICIT, goes_on, who_answers
from bot.rules.dialogue.hints import dm_hint, ping_hint, removed_hint
from bot.rules.dialogue.mentions import candidates, longest
from bot.rules.dialogue.speech import shown_name, spoken_name
from bot.services.dialogue.delivery import Task
from bot.services.dialogue.intervals import OnceInAWhile
from bot.services.dialogue.pace import Pace
from bot.services.policy import Policy
from bot.services.ports import Replication
from bot.store import personalities, situation
from bot.store.cipher import Cipher
from bot.store.situation import SealedLogin, Situation
from bot.store.statement import Store


@dataclass(slots=True, kw_only=True, eq=False)
class Decider:
    """Looks up what is known of a message and its author, and decides by the rules."""

    store: Store
    cipher: Cipher
    policy: Policy
    replication: Replication | None = None
    clock: Clock = utc_now
    pace: Pace = field(init=False, repr=False)
    _told: OnceInAWhile = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Nobody was told anything yet."""
        self.pace = Pace(policy=self.policy, clock=self.clock)
        self._told = OnceInAWhile(self.clock)

    async def addressee(self, heard: Heard) -> Task | None:
        """The turn that the message asks for, whether or not its author may have it; None where it asks for none."""
        _, answering = await self._look_up(heard)
        return Task(heard=heard, personality=answering[0], cause=answering[1]) if answering else None

    async def decide(self, heard: Heard) -> Task | None:
        """The turn that the message gets; None where it gets none, or its author was told why a moment ago.

        Raises the refusal that its author must be told.
        """
        known, answering = await self._look_up(heard)
        if answering is None:
            return None
        personality, cause = answering
        login = self._login_of(known, personality)
        if not self._admits(heard, known, login, cause) or not self.pace.admits(heard):
            return None
        return self._task(heard, personality, cause, login)

    async def take_up(self, turn: Turn, heard: Heard) -> Task | None:
        """What an earlier process began, under today's rules: raises the refusal, None where nobody answers any more.

        Who has the answer already needs no login for the rest of it.
        """
        (known,) = await self.store.look_up(situation.find(heard, self.clock()))
        personality = await self._speaker_of(turn)
        if self._ignores(heard, known) or personality is None:
            return None
        login = self._login_of(known, personality)
        self._require_place(heard, known)
        if turn.state is TurnState.PENDING:
            self._require_login(login)
        return self._task(heard, personality, turn.cause, login)

    async def take_again(self, turn: Turn, heard: Heard) -> Task:
        """What was answered before, on the terms of a new turn; raises the refusal."""
        (known,) = await self.store.look_up(situation.find(heard, self.clock()))
        personality = await self._speaker_of(turn)
        if personality is None:
            raise NotFoundError("This personality was removed, so it can't answer again.")
        login = self._login_of(known, personality)
        self._require_all(heard, known, login)
        return self._task(heard, personality, turn.cause, login)

    async def _speaker_of(self, turn: Turn) -> Personality | None:
        """The turn's personality, unless it was removed."""
        personality = await self.store.first(personalities.get_by_id(turn.personality_id))
        return personality if personality is not None and personality.is_active else None

    async def depends_on_who_is_in_front(self, heard: Heard, task: Task | None) -> bool:
        """Whether an answer that someone in front still waits for may change to whom this message goes."""
        if task is not None or heard.is_edit:  # a conversation goes on with whoever will have answered last
            return task is not None and task.cause is Cause.CONVERSATION
        if heard.replied_to_id is not None:  # the message it replies to may have been seen before its id was committed
            return True
        known, _ = await self._look_up(heard)
        return not self._ignores(heard, known) and (heard.place.is_dm or known.has_auto_response)

    async def explain(self, heard: Heard) -> None:
        """Raise, once in a while, what helps an author to whom nobody answers; most need no word."""
        is_odd = heard.place.is_dm or heard.pings_bot or heard.replied_to_id is not None
        if not is_odd or heard.is_muted or heard.is_edit:
            return
        known, answering = await self._look_up(heard)
        if self._ignores(heard, known) or answering is not None:
            return
        hint = self._hint(heard, known)
        if hint is not None and self.may_tell(heard, hint):
            raise hint

    def _hint(self, heard: Heard, known: Situation) -> TzurotError | None:
        command, mention_char = self.policy.command, self.policy.mention_char
        if known.replied_to is not None:
            return removed_hint(spoken_name(known.replied_to))
        if heard.pings_bot:
            return ping_hint(command, mention_char)
        if not heard.place.is_dm:
            return None
        is_logged_in = not self.policy.has_login_service or any(login.is_valid(self.clock()) for login in known.logins)
        return dm_hint(command, mention_char, is_logged_in=is_logged_in, is_verified=known.is_verified)

    async def _look_up(self, heard: Heard) -> tuple[Situation, tuple[Personality, Cause] | None]:
        names = candidates(heard.content, self.policy.mention_char)
        (known,) = await self.store.look_up(situation.find(heard, self.clock(), names))
        mentioned = longest(names, known.mentioned)
        if self._ignores(heard, known) or (heard.is_edit and mentioned is None):
            return known, None
        return known, self._who_answers(heard, known, mentioned)

    def _who_answers(
        self, heard: Heard, known: Situation, mentioned: Personality | None
    ) -> tuple[Personality, Cause] | None:
        replied_to = known.replied_to or self._spoke_under(heard, known)
        return who_answers(replied_to, mentioned, known.activated, self._talking(heard, known))

    def _spoke_under(self, heard: Heard, known: Situation) -> Personality | None:
        """Who speaks under the name over the message replied to."""
        is_dm, name = heard.place.is_dm, heard.replied_to_webhook_name
        found = known.replied_to_by_name
        return next((one for one in found if shown_name(spoken_name(one), is_dm=is_dm) == name), None)

    def _talking(self, heard: Heard, known: Situation) -> Personality | None:
        """Who goes on answering the author: in a DM whoever did last, elsewhere only for those who want that."""
        if not heard.place.is_dm and not known.has_auto_response:
            return None
        lifetime = self.policy.lifetime_of_conversation(is_dm=heard.place.is_dm)
        conversation = known.conversation
        if conversation is None or not goes_on(conversation, snowflake_time(heard.message_id), lifetime):
            return None
        return known.talking

    def _ignores(self, heard: Heard, known: Situation) -> bool:
        return known.is_blacklisted and heard.author_id != self.policy.owner_id

    def _login_of(self, known: Situation, personality: Personality) -> SealedLogin | None:
        return known.login_for(personality.full_name) if self.policy.has_login_service else None

    def _task(self, heard: Heard, personality: Personality, cause: Cause, login: SealedLogin | None) -> Task:
        token = login.open(self.cipher) if login else None
        return Task(heard=heard, personality=personality, cause=cause, login=login, token=token)

    def _admits(self, heard: Heard, known: Situation, login: SealedLogin | None, cause: Cause) -> bool:
        """Raise the refusal; False where its author was told a moment ago and each message would be refused."""
        try:
            self._require_all(heard, known, login)
        except TzurotError as error:
            if heard.is_muted and cause not in EXPLICIT:
                return False
            # The gateway and the channel's history may both bring the message while neither knows of the other.
            is_first = self._told.may_say(self.policy.refusal_interval, heard.message_id)
            is_bystander = cause is Cause.ACTIVATION and isinstance(error, NotAllowedError)
            is_news = self.may_tell(heard, error, is_bystander=is_bystander)
            is_repeated = self._is_read_only or heard.is_muted or heard.is_edit or cause not in EXPLICIT
            if not is_first or (is_repeated and not is_news) or not self.pace.admits_word(heard):
                return False
            raise
        return True

    @property
    def _is_read_only(self) -> bool:
        return self.replication is not None and self.replication.state.is_read_only

    def _require_all(self, heard: Heard, known: Situation, login: SealedLogin | None) -> None:
        require_voice(heard.place.channel_id, is_muted=heard.is_muted)
        require_saving(is_read_only=self._is_read_only)
        self._require_place(heard, known)
        self._require_login(login)

    def _require_place(self, heard: Heard, known: Situation) -> None:
        require_conversation_place(heard.place, is_verified=known.is_verified, how=self.policy.command("verify"))

    def _require_login(self, login: SealedLogin | None) -> None:
        if not self.policy.has_login_service:
            return
        require_login(
            is_present=login is not None,
            expires_at=login.expires_at if login else None,
            now=self.clock(),
            how=self.policy.command("auth start"),
        )

    def may_tell(self, heard: Heard, error: TzurotError, *, is_bystander: bool = False) -> bool:
        """Whether the author was not told this in this channel lately; from now on they were.

        A bystander only writes where a personality answers everything, and may never have wanted an answer.
        """
        policy = self.policy
        interval = policy.bystander_refusal_interval if is_bystander else policy.refusal_interval
        return self._told.may_say(interval, heard.place.channel_id, heard.author_id, str(error))
