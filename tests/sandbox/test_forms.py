"""Context menus, forms and select menus, through the real client."""

from typing import Any

import discord
import pytest

from bot.sandbox.discord import CommandNotShownError, ModalError, Reply
from tests.sandbox.conftest import Home, TinyBot, connected
from tests.sandbox.test_rest import hook


class Code(discord.ui.Modal, title="Your code"):
    """A form with a text field under a label."""

    code: discord.ui.Label[Any] = discord.ui.Label(
        text="Code", component=discord.ui.TextInput(custom_id="code", min_length=3, max_length=8)
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        field = self.code.component
        assert isinstance(field, discord.ui.TextInput)
        await interaction.response.send_message(f"got {field.value}", ephemeral=True)


class Remark(discord.ui.Modal, title="A remark"):
    """A form with a text field in a row of its own, which changes the message from which it was opened."""

    remark: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Remark", required=False)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        if interaction.message is None:
            await interaction.response.defer()
        else:
            await interaction.response.edit_message(content=self.remark.value or "no remark")


MOTHS = [discord.SelectOption(label="Hawk", value="h"), discord.SelectOption(label="Owl")]


class Panel(discord.ui.View):
    """A button that opens a form and a menu to choose from; it survives a restart."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(emoji="✏️", custom_id="panel:remark")
    async def open(self, interaction: discord.Interaction, _: discord.ui.Button[Any]) -> None:
        await interaction.response.send_modal(Remark())

    @discord.ui.select(custom_id="panel:moth", options=MOTHS)
    async def pick(self, interaction: discord.Interaction, menu: discord.ui.Select[Any]) -> None:
        await interaction.response.send_message(f"chose {menu.values}", ephemeral=True)


async def prepared(bot: TinyBot) -> TinyBot:
    """The bot with its menus and forms registered."""

    async def look(interaction: discord.Interaction, message: discord.Message) -> None:
        name, text = message.author.display_name, message.content
        await interaction.response.send_message(f"{name}: {text}", ephemeral=True)

    async def enter(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Code())

    async def remark(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Remark())

    bot.tree.add_command(discord.app_commands.ContextMenu(name="Who is this?", callback=look))
    bot.tree.add_command(discord.app_commands.Command(name="enter", description="Enter.", callback=enter))
    bot.tree.add_command(discord.app_commands.Command(name="remark", description="Remark.", callback=remark))
    await bot.tree.sync()
    return bot


async def test_a_command_in_a_context_menu_gets_the_message_also_of_a_webhook(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await prepared(bot)
        assert home.sandbox.message_commands == ["Who is this?"]
        assert "Who is this?" not in home.sandbox.commands
        said = await home.sandbox.post(home.channel, home.mira, "hello")
        reply = await home.sandbox.run_message_command(home.mira, said, "Who is this?")
        assert (reply.content, reply.is_ephemeral) == ("Mira: hello", True)
        webhook = await hook(home, bot.http._HTTPClient__session)  # type: ignore[attr-defined]  # the client's own
        spoken = await webhook.send("boo", username="Ghost", wait=True)
        ghost = next(message for message in home.sandbox.messages(home.channel) if message.id == spoken.id)
        reply = await home.sandbox.run_message_command(home.mira, ghost, "Who is this?")
        assert reply.content == "Ghost: boo"


async def test_only_a_message_that_is_seen_has_a_context_menu(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await prepared(bot)
        said = await home.sandbox.post(home.channel, home.mira, "hello")
        with pytest.raises(CommandNotShownError, match="no command Delete of this kind"):
            await home.sandbox.run_message_command(home.mira, said, "Delete")
        with pytest.raises(CommandNotShownError, match="no command ping of this kind"):
            await home.sandbox.run_message_command(home.mira, said, "ping")
        await home.sandbox.delete(said)
        with pytest.raises(CommandNotShownError, match="gone or ephemeral"):
            await home.sandbox.run_message_command(home.mira, said, "Who is this?")


async def test_a_form_is_shown_filled_in_and_answered(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await prepared(bot)
        for values in ({"Code": "abc"}, {"code": "abc"}):
            form = await home.sandbox.run_command(home.mira, home.channel, "enter")
            assert form.messages == ()
            assert form.modal
            assert (form.modal.title, form.modal.labels) == ("Your code", ["Code"])
            reply = await home.sandbox.submit(home.mira, form, values)
            assert (reply.content, reply.is_ephemeral) == ("got abc", True)
            assert reply.message.interaction
            assert reply.message.interaction["triggering_interaction_metadata"]["type"] == 2


async def test_a_form_is_sent_only_as_discords_client_would(home: Home) -> None:
    tom = home.sandbox.add_user("Tom")
    async with connected(home.sandbox) as bot:
        await prepared(bot)
        form = await home.sandbox.run_command(home.mira, home.channel, "enter")
        with pytest.raises(ModalError, match="3 to 8"):
            await home.sandbox.submit(home.mira, form, {"Code": "ab"})
        with pytest.raises(ModalError, match="3 to 8"):
            await home.sandbox.submit(home.mira, form, {})
        with pytest.raises(ModalError, match="no fields"):
            await home.sandbox.submit(home.mira, form, {"Cod": "abc"})
        with pytest.raises(CommandNotShownError, match="does not see"):
            await home.sandbox.submit(tom, form, {"Code": "abc"})
        with pytest.raises(ModalError, match="no form"):
            await home.sandbox.submit(home.mira, Reply(1, (), is_deferred=False), {})


async def test_a_form_of_a_button_changes_the_message_and_one_of_a_command_just_closes(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await prepared(bot)
        channel = bot.get_channel(home.channel.id)
        assert isinstance(channel, discord.TextChannel)
        await channel.send("panel", view=Panel())
        panel = home.sandbox.messages(home.channel)[-1]
        form = await home.sandbox.press(home.mira, panel, "✏️")
        changed = await home.sandbox.submit(home.mira, form, {"Remark": "lovely"})
        assert (changed.message.id, changed.content) == (panel.id, "lovely")
        form = await home.sandbox.run_command(home.mira, home.channel, "remark")
        assert (await home.sandbox.submit(home.mira, form, {})).messages == ()


async def test_a_menu_takes_what_it_offers(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        channel = bot.get_channel(home.channel.id)
        assert isinstance(channel, discord.TextChannel)
        await channel.send("panel", view=Panel())
        panel = home.sandbox.messages(home.channel)[-1]
        assert (await home.sandbox.choose(home.mira, panel, "Hawk")).content == "chose ['h']"
        with pytest.raises(CommandNotShownError, match="no menu"):
            await home.sandbox.choose(home.mira, panel, "Luna")


async def test_a_button_with_an_id_of_its_own_works_after_a_restart(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        channel = bot.get_channel(home.channel.id)
        assert isinstance(channel, discord.TextChannel)
        await channel.send("panel", view=Panel())
    panel = home.sandbox.messages(home.channel)[-1]
    async with connected(home.sandbox) as bot:
        bot.add_view(Panel())
        assert (await home.sandbox.choose(home.mira, panel, "Owl")).content == "chose ['Owl']"


async def test_a_wrong_form_is_refused_as_discord_refuses_it(home: Home) -> None:
    async with connected(home.sandbox) as bot:

        @discord.app_commands.command(name="long", description="A title that is too long.")
        async def long(interaction: discord.Interaction) -> None:
            with pytest.raises(discord.HTTPException) as refused:
                await interaction.response.send_modal(Code(title="x" * 46))
            await interaction.response.send_message(str(refused.value.code))

        bot.tree.add_command(long)
        await bot.tree.sync()
        assert (await home.sandbox.run_command(home.mira, home.channel, "long")).content == "50035"
