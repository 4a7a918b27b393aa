"""How people give commands and press buttons, and what they get for it."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.discord.interaction import Interaction, Reply
from bot.sandbox.discord.interaction_routes import DEFERRED
from bot.sandbox.discord.invoking import Invocation, invoke, invoke_on
from bot.sandbox.discord.modals import Modal, ModalError
from bot.sandbox.discord.model import Channel, Message, User
from bot.sandbox.discord.pressing import choose, press, submit
from bot.sandbox.discord.watching import WAIT_SECONDS, Onlooker


class Commanders(Onlooker):
    """Those who use the bot's commands."""

    async def run_command(
        self,
        user: User,
        channel: Channel,
        name: str,
        options: Mapping[str, Any] | None = None,
    ) -> Reply:
        """A user gives a slash command (`auth start` for a subcommand) and waits for what comes.

        Raises CommandNotShownError where Discord would not offer it so, and TimeoutError when nothing comes:
        within 3 s nothing at all, or after a deferral nothing within 10 s.
        """
        return await self._replied(invoke(self._state, Invocation(user, channel, name, options or {})), f"/{name}")

    async def run_message_command(self, user: User, message: Message, name: str) -> Reply:
        """A user chooses a command from a message's context menu and waits for what comes; raises as above."""
        return await self._replied(invoke_on(self._state, user, message, name), name)

    async def submit(self, user: User, form: Reply | Modal, values: Mapping[str, str]) -> Reply:
        """A user fills in a form that the bot showed, by label or custom id, and waits for what comes.

        Raises ModalError where Discord's client would not send it so, and TimeoutError as above.
        """
        modal = form.modal if isinstance(form, Reply) else form
        if modal is None:
            raise ModalError("the bot showed no form")
        return await self._replied(submit(self._state, user, modal, values), f"the form {modal.title}")

    async def _replied(self, interaction: Interaction, what: str) -> Reply:
        await self._answered(interaction)
        await self._state.bell.wait_until(
            lambda: not self._is_thinking(interaction), timeout_seconds=WAIT_SECONDS, what=f"the end of {what}"
        )
        return self._reply(interaction)

    async def press(self, user: User, message: Message, label: str) -> Reply:
        """A user presses a button of a message, by its label or emoji, and waits until the bot has taken it.

        Raises CommandNotShownError where the user does not see it, and TimeoutError when nothing comes.
        """
        interaction = press(self._state, user, message, label)
        await self._answered(interaction)
        return self._reply(interaction)

    async def choose(self, user: User, message: Message, *labels: str) -> Reply:
        """A user chooses from the message's menu, by what it shows; otherwise as above."""
        interaction = choose(self._state, user, message, labels)
        await self._answered(interaction)
        return self._reply(interaction)

    async def wait_for_follow_up(self, reply: Reply, count: int = 1, *, timeout_seconds: float = WAIT_SECONDS) -> Reply:
        """The reply once it has this many messages more than before."""
        interaction = next(i for i in self._state.interactions.values() if i.id == reply.interaction_id)
        wanted = len(reply.messages) + count
        await self._state.bell.wait_until(
            lambda: len(self._reply(interaction).messages) >= wanted,
            timeout_seconds=timeout_seconds,
            what="a follow-up",
        )
        return self._reply(interaction)

    async def autocomplete(self, user: User, channel: Channel, name: str, typed: Mapping[str, Any]) -> list[Any]:
        """The values the bot offers for the last option of `typed`."""
        given = Invocation(user, channel, name, typed, focused=list(typed)[-1])
        interaction = invoke(self._state, given)
        await self._answered(interaction)
        return [choice["value"] for choice in interaction.choices]

    async def _answered(self, interaction: Interaction) -> None:
        await self._state.bell.wait_until(
            lambda: interaction.answered_with is not None,
            timeout_seconds=self._state.interaction_deadline_seconds,
            what="The application did not respond: an answer to the command",
        )

    def _is_thinking(self, interaction: Interaction) -> bool:
        original = self._state.messages[interaction.channel.id].get(interaction.original_id or 0)
        return original is not None and original.is_loading

    def _reply(self, interaction: Interaction) -> Reply:
        known = self._state.messages[interaction.channel.id]
        messages = tuple(known[message_id] for message_id in interaction.message_ids if message_id in known)
        is_deferred = interaction.answered_with == DEFERRED
        return Reply(interaction.id, messages, is_deferred=is_deferred, modal=interaction.modal)
