"""Asks the AI service, which speaks OpenAI's protocol."""

import re
from http import HTTPStatus
from typing import Any

from aiohttp import ClientSession

from bot.errors import NotAllowedError, NotFoundError, UnavailableError
from bot.model import Media, Question
from bot.rules.dialogue.prompt import SHOWN
from bot.rules.wording import escaped, quoted
from bot.settings import Settings
from bot.transport import Reply, Request, exchange, failure

SERVICE = "The AI service"
PATH = "/v1/chat/completions"
FAILURE_STATUS = re.compile("[45][0-9]{2}")
REFUSALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
INDIGESTIBLE = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""What a service says that can't look at images, or listen, or not at such large ones."""


class AIClient:
    """The AI service behind `Thinker`; the session is the application's, which closes it."""

    def __init__(self, session: ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    async def answer(self, question: Question) -> str:
        """The personality's answer, not empty. Raises UnavailableError, NotFoundError or NotAllowedError."""
        reply = await exchange(self._session, self._request(question))
        _check(reply, question, self._settings.bot_prefix)
        text = _text(reply.body)
        if text is None:
            raise UnavailableError(f"{SERVICE} sent an answer that can't be read.", remedy="Try again later.")
        text = text.replace("\x00", "")
        if not text.strip():
            raise UnavailableError(
                f"{escaped(question.personality.display_name)} had nothing to say.", remedy="Ask again."
            )
        return text

    def _request(self, question: Question) -> Request:
        return Request(
            service=SERVICE,
            method="POST",
            url=self._url(),
            timeout_seconds=self._settings.service_timeout_seconds,
            headers=self._headers(question),
            body={"model": self._model(question), "messages": _messages(question)},
        )

    def _url(self) -> str:
        base = self._settings.service_api_base_url
        if base is None:
            raise UnavailableError(
                "No AI service is configured.", remedy="The bot's operator sets SERVICE_API_BASE_URL."
            )
        return base.removesuffix("/v1") + PATH

    def _model(self, question: Question) -> str:
        return question.personality.model or self._settings.service_model_template.format(
            service_id=self._settings.service_id, full_name=question.personality.full_name
        )

    def _headers(self, question: Question) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "X-User-Id": str(question.user_id),
            "X-Channel-Id": str(question.channel_id),
        }
        if self._settings.service_api_key is not None:
            headers["Authorization"] = f"Bearer {self._settings.service_api_key.get_secret_value()}"
        if question.user_token is not None:
            headers["X-User-Auth"] = question.user_token.reveal()
        return headers | self._settings.service_extra_headers


def _messages(question: Question) -> list[dict[str, Any]]:
    # Half of a surrogate pair can come over Discord's wire, but is no Unicode.
    text = question.content.encode("utf-8", "replace").decode()
    message = {"role": "user", "content": _content(text, question.media)}
    prompt = question.personality.prompt
    return [{"role": "system", "content": prompt}, message] if prompt else [message]


def _content(text: str, media: Media | None) -> str | list[dict[str, Any]]:
    """A plain string, unless something is to be looked at or listened to."""
    if media is None:
        return text
    kind = f"{media.kind}_url"
    return [{"type": "text", "text": text}, {"type": kind, kind: {"url": media.url}}]


def _check(reply: Reply, question: Question, prefix: str) -> None:
    """Raise the sentence for a failure, which some providers send as a body with status 200."""
    status = _status(reply)
    if status == HTTPStatus.OK:
        return
    if status == HTTPStatus.NOT_FOUND:
        name = question.personality.full_name
        raise NotFoundError(f"{SERVICE} does not know the personality {quoted(name)}.")
    if status in REFUSALS and question.user_token is not None:
        raise NotAllowedError(
            f"{SERVICE} no longer accepts your login.", remedy=f"Log in again with `{prefix} auth start`."
        )
    if status in INDIGESTIBLE and question.media is not None:
        what = SHOWN[question.media.kind]
        raise UnavailableError(f"{SERVICE} did not take {what} ({status}).", remedy="Ask again without it.")
    raise failure(SERVICE, Reply(status, None, reply.retry_after_seconds))


def _status(reply: Reply) -> int:
    error = reply.body.get("error") if isinstance(reply.body, dict) else None
    if reply.status != HTTPStatus.OK or not error:
        return reply.status
    code = str(error.get("code", error.get("status")) if isinstance(error, dict) else None)
    return int(code) if FAILURE_STATUS.fullmatch(code) else HTTPStatus.BAD_GATEWAY


def _text(body: Any) -> str | None:
    try:
        content = body["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return None
    if content is None:
        return ""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else None
