"""One REST request as the routes see it, and their answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.discord.failures import Failure, as_snowflake, bad_json
from bot.sandbox.discord.model import JSON, Upload
from bot.sandbox.discord.state import State


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its route's parameters, query, JSON body and files."""

    parameters: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    uploads: tuple[Upload, ...] = ()

    def id(self, name: str) -> int:
        """A snowflake of the path."""
        return as_snowflake(name, self.parameters[name])

    @property
    def form(self) -> JSON:
        """The body, which must be an object. Raises 50109."""
        if not isinstance(self.body, dict):
            raise bad_json()
        return self.body

    def flag(self, name: str) -> bool:
        """A switch of the query."""
        return self.query.get(name, "").lower() in ("1", "true")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers; no body is 204's."""

    body: Any = None
    status: int = 200


NOTHING = Answer(status=204)
"""Done, nothing to show."""

Handler = Callable[[State, Call], Answer]
Routes = dict[tuple[str, str], Handler]


def require_me(state: State, call: Call) -> None:
    """Refuse another application's routes."""
    if call.id("application_id") != state.application_id:
        raise Failure(403, 20012, "You are not authorized to perform this action on this application")
