"""Every command that can be given has its terms, and nothing else has."""

from pathlib import Path

import pytest
from discord.ext import commands

from bot.client import Client
from bot.rules.commands.terms import COMMANDS
from bot.settings import load_settings


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(load_settings({"database_path": tmp_path / "tzurot.db"}, env_file=None))


async def test_the_table_has_exactly_the_commands_there_are(client: Client) -> None:
    await client.setup_hook()
    given = {command.qualified_name for command in (*client.walk_commands(), *client.tree.get_commands())}
    assert given == set(COMMANDS)


async def test_a_command_without_terms_can_not_be_registered(client: Client) -> None:
    async def frobnicate(_: commands.Context[commands.Bot]) -> None: ...

    client.add_command(commands.Command(frobnicate))
    with pytest.raises(LookupError, match="frobnicate"):
        await client.setup_hook()
