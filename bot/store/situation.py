"""Everything a message's answer depends on, in one query of key look-ups that gives one row, for `Store.look_up`.

[situation] = await store.look_up(find(heard, now, candidates))
"""
# ruff: noqa: S608 - every piece of SQL put together here is a constant of this module

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from typing import Any

import orjson

from bot.errors import InvalidInputError
from bot.model import EVERY_PERSONALITY, EVERYWHERE, Conversation, Heard, Personality, Secret
from bot.rules.dialogue.speech import name_ranges
from bot.store import logins
from bot.store.blacklist import BARRED_UNTIL, is_past
from bot.store.cipher import Cipher
from bot.store.columns import from_json, to_time, to_time_or_none
from bot.store.statement import Query, Row, Value


@dataclass(frozen=True, slots=True)
class SealedLogin:
    """A login whose token is still ciphertext, so that only the one that is used is decrypted."""

    user_id: int
    personality_name: str
    expires_at: datetime | None
    ciphertext: str = field(repr=False)

    def is_valid(self, now: datetime) -> bool:
        """Whether the token is not past its date; one without a date never is."""
        return self.expires_at is None or now < self.expires_at

    def open(self, cipher: Cipher) -> Secret:
        """The token; raises ProtectedError or UnreadableError as `Cipher.decrypt` does."""
        return cipher.decrypt(self.ciphertext, logins.TABLE, "token", self.user_id)


class Situation:
    """What is known when a message is heard; each part is decoded when it is asked for."""

    def __init__(self, now: datetime, row: Row) -> None:
        """Take the row of `find`, and the moment for which it was asked."""
        barred_until, server_barred_until, verified, auto_response, *texts = row
        self.is_blacklisted = not (is_past(barred_until, now) and is_past(server_barred_until, now))
        self.is_verified = bool(verified)
        self.has_auto_response = bool(auto_response)
        self._logins, self._conversation, self._activated, self._replied_to, self._by_name, *self._mentions = texts

    @property
    def logins(self) -> tuple[SealedLogin, ...]:
        """All of the author's logins, past their date or not."""
        rows = orjson.loads(self._logins)
        return tuple([SealedLogin(user, name, to_time_or_none(end), token) for user, name, end, token in rows])

    def login_for(self, personality_name: str) -> SealedLogin | None:
        """The login that counts for a personality, past its date or not: its own, else the one for all."""
        for_all = None
        for login in self.logins:
            if login.personality_name == personality_name:
                return login
            if login.personality_name == EVERY_PERSONALITY:
                for_all = login
        return for_all

    @property
    def mentioned(self) -> Mapping[str, Personality]:
        """Each candidate that names an active personality; an alias counts before a full name."""
        return {name: _personality(values) for text in self._mentions if text for name, values in orjson.loads(text)}

    @property
    def replied_to(self) -> Personality | None:
        """Who spoke the message it replies to, removed since or not."""
        return _personality(orjson.loads(self._replied_to)) if self._replied_to else None

    @property
    def replied_to_by_name(self) -> tuple[Personality, ...]:
        """The active personalities that may have spoken that message by the name over it, oldest first."""
        rows = sorted(orjson.loads(self._by_name)) if self._by_name else ()
        return tuple(map(_personality, rows))

    @property
    def activated(self) -> Personality | None:
        """Who answers everything in this thread, else in its channel."""
        return _personality(orjson.loads(self._activated)) if self._activated else None

    @property
    def conversation(self) -> Conversation | None:
        """The author's conversation in this channel."""
        return _conversation(orjson.loads(self._conversation)) if self._conversation else None

    @property
    def talking(self) -> Personality | None:
        """The active personality of that conversation."""
        values = orjson.loads(self._conversation)[-1] if self._conversation else None
        return _personality(values) if values else None


def find(heard: Heard, now: datetime, candidates: Sequence[str] = ()) -> Query[Situation]:
    """One row with everything; `candidates` are lower-case names that the message may mention."""
    place = heard.place
    parameters: dict[str, Value] = {
        "author_id": heard.author_id,
        "guild_id": place.guild_id or EVERYWHERE,
        "channel_id": place.channel_id,
        "parent_id": place.parent_id,
    }
    is_reply = heard.replied_to_id is not None
    if is_reply:
        parameters["replied_to_id"] = heard.replied_to_id
        parameters |= _named_like(heard.replied_to_webhook_name)
    if candidates:
        parameters["candidates"] = _candidate_list(candidates)
    return Query(_sql(bool(candidates), is_reply), partial(Situation, now), parameters)


_PERSONALITY = (
    "json_array(p.id, p.full_name, p.display_name, p.added_by, p.added_at, p.avatar_url, p.updated_at, p.is_active,"
    " p.error_message, p.prompt, p.model, p.profile_fetched_at, p.metadata, p.extra)"
)

_ACTIVATED = (
    f"(SELECT {_PERSONALITY} FROM channel_activations AS a JOIN personalities AS p"
    " ON p.full_name = a.personality_name WHERE a.channel_id = {channel})"
)

# Correlated look-ups in one row: a thread's parent is looked up only where the thread itself has no activation.
_ALWAYS = f"""
SELECT
    {BARRED_UNTIL[0]} AS barred_until,
    {BARRED_UNTIL[1]} AS server_barred_until,
    (SELECT is_verified FROM nsfw_verifications WHERE user_id = :author_id) AS is_verified,
    EXISTS (SELECT 1 FROM auto_responses WHERE user_id = :author_id) AS has_auto_response,
    (
        SELECT json_group_array(json_array(user_id, personality_name, expires_at, token))
        FROM auth_tokens WHERE user_id = :author_id
    ) AS logins,
    (
        SELECT json_array(
            c.channel_id, c.user_id, c.personality_name, c.started_at, c.last_message_at, c.message_count,
            c.is_dm, c.is_mention_only, c.metadata, c.extra,
            CASE p.is_active WHEN 1 THEN {_PERSONALITY} END
        )
        FROM conversations AS c LEFT JOIN personalities AS p ON p.full_name = c.personality_name
        WHERE c.channel_id = :channel_id AND c.user_id = :author_id
    ) AS conversation,
    coalesce({_ACTIVATED.format(channel=":channel_id")}, {_ACTIVATED.format(channel=":parent_id")}) AS activated
"""

_REPLY = f""",
    (
        SELECT {_PERSONALITY} FROM message_mappings AS m JOIN personalities AS p ON p.id = m.personality_id
        WHERE m.message_id = :replied_to_id
    ) AS replied_to,
    (
        SELECT json_group_array({_PERSONALITY}) FROM personalities AS p
        WHERE p.is_active = 1 AND (
            p.display_name BETWEEN :shown_name AND :shown_name_end
            OR p.display_name BETWEEN :whole_name AND :whole_name_end
            OR p.full_name IN (:shown_name, :whole_name)
        )
    ) AS replied_to_by_name
"""

_NO_REPLY = ", NULL AS replied_to, NULL AS replied_to_by_name"

# json_each and not a list of parameters: from two names on it is faster, and the statement is always the same one.
# CROSS JOIN keeps SQLite from scanning the tables for each name. Later entries win, so aliases come last.
_MENTIONED = f""",
    (
        SELECT json_group_array(json_array(j.value, {_PERSONALITY})) FROM json_each(:candidates) AS j
        CROSS JOIN personalities AS p ON p.id = (
            SELECT min(id) FROM personalities WHERE name_lower = j.value AND is_active = 1
        )
    ) AS named,
    (
        SELECT json_group_array(json_array(a.alias, {_PERSONALITY})) FROM json_each(:candidates) AS j
        CROSS JOIN personality_aliases AS a ON a.alias = j.value
        JOIN personalities AS p ON p.full_name = a.personality_name WHERE p.is_active = 1
    ) AS aliased
"""

_NOBODY_MENTIONED = ", NULL AS named, NULL AS aliased"


@cache
def _sql(has_candidates: bool, is_reply: bool) -> str:
    return _ALWAYS + (_REPLY if is_reply else _NO_REPLY) + (_MENTIONED if has_candidates else _NOBODY_MENTIONED)


def _named_like(shown: str | None) -> dict[str, Value]:
    names = ("shown_name", "shown_name_end", "whole_name", "whole_name_end")
    ends = (end for ends in name_ranges(shown) for end in ends) if shown else (None,) * len(names)
    return dict(zip(names, ends, strict=True))


def _candidate_list(candidates: Sequence[str]) -> str:
    try:
        return orjson.dumps(candidates).decode()
    except TypeError:
        raise InvalidInputError("The message holds half a character (a lone surrogate).") from None


def _conversation(values: list[Any]) -> Conversation:
    channel, user, name, started, last, count, is_dm, is_mention_only, metadata, extra, _ = values
    return Conversation(
        channel,
        user,
        name,
        to_time(started),
        to_time(last),
        count,
        bool(is_dm),
        bool(is_mention_only),
        from_json(metadata) or {},
        from_json(extra),
    )


def _personality(values: list[Any]) -> Personality:
    row_id, full_name, display_name, added_by, added_at, avatar_url, updated_at, is_active = values[:8]
    error_message, prompt, model, profile_fetched_at, metadata, extra = values[8:]
    return Personality(
        full_name,
        display_name,
        added_by,
        to_time(added_at),
        row_id,
        avatar_url,
        to_time_or_none(updated_at),
        bool(is_active),
        error_message,
        prompt,
        model,
        to_time_or_none(profile_fetched_at),
        from_json(metadata) or {},
        from_json(extra),
    )
