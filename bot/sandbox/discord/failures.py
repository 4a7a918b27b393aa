"""Errors in Discord's form: a status, a JSON code, a message, and which field was wrong."""

from typing import Any

from bot.sandbox.discord.model import JSON


class Failure(Exception):  # noqa: N818 - an answer to the client, not a defect of this program
    """A request that Discord answers with an error."""

    def __init__(self, status: int, code: int, message: str, errors: JSON | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Any = {"message": message, "code": code}
        if errors:
            self.body["errors"] = errors
        self.headers: dict[str, str] = {}


def unauthorized() -> Failure:
    """The token is wrong or was reset."""
    return Failure(401, 0, "401: Unauthorized")


def no_route() -> Failure:
    """No such endpoint."""
    return Failure(404, 0, "404: Not Found")


def bad_json() -> Failure:
    """The body is no JSON object."""
    return Failure(400, 50109, "The request body contains invalid JSON.")


UNKNOWN = {
    "Channel": 10003,
    "Guild": 10004,
    "Member": 10007,
    "Message": 10008,
    "Emoji": 10014,
    "User": 10013,
    "Webhook": 10015,
    "Interaction": 10062,
    "application command": 10063,
}


def unknown(kind: str) -> Failure:
    """No such thing, or none that this bot may know of."""
    return Failure(404, UNKNOWN[kind], f"Unknown {kind}")


def missing_access() -> Failure:
    """The bot does not see this channel."""
    return Failure(403, 50001, "Missing Access")


def missing_permissions() -> Failure:
    """The bot sees the channel but may not do this."""
    return Failure(403, 50013, "Missing Permissions")


def invalid_webhook_token() -> Failure:
    """The webhook exists, the token is not its token."""
    return Failure(401, 50027, "Invalid Webhook Token")


def empty_message() -> Failure:
    """Nothing to send."""
    return Failure(400, 50006, "Cannot send an empty message")


def invalid_form(field: str, code: str, message: str) -> Failure:
    """A field of the body is wrong; `field` may be a path with dots."""
    errors: Any = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(field.split(".")):
        errors = {part: errors}
    return Failure(400, 50035, "Invalid Form Body", errors)


def check_length(field: str, value: str, shortest: int, longest: int) -> None:
    """Refuse a text that is too short or too long, in Discord's words."""
    if shortest <= len(value) <= longest:
        return
    if shortest:
        wrong = invalid_form(field, "BASE_TYPE_BAD_LENGTH", f"Must be between {shortest} and {longest} in length.")
    else:
        wrong = invalid_form(field, "BASE_TYPE_MAX_LENGTH", f"Must be {longest} or fewer in length.")
    raise wrong


def as_snowflake(field: str, value: object) -> int:
    """An id, which clients send as text or as a number."""
    if isinstance(value, int | str) and not isinstance(value, bool) and str(value).isdecimal():
        return int(value)
    raise invalid_form(field, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
