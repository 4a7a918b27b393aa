import base64
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot.errors import ConfigurationError, ExitCode
from bot.settings import Settings, load_settings

EXAMPLE = Path(__file__).parent.parent / ".env.example"
KEY = base64.b64encode(b"k" * 32).decode()
REPLICA = {
    "REPLICA_BUCKET": "copies",
    "REPLICA_ENDPOINT": "https://bucket.example",
    "REPLICA_PREFIX": "tzurot/test",
    "LITESTREAM_ACCESS_KEY_ID": "invented-id",
    "LITESTREAM_SECRET_ACCESS_KEY": "invented-secret",
}

Load = Callable[..., Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)

    def with_environment(environment: dict[str, str] | None = None) -> Settings:
        for name, value in (environment or {}).items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return with_environment


def refusal(load: Load, environment: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load(environment)
    assert refused.value.exit_code == ExitCode.MISUSED
    return str(refused.value)


def test_an_empty_environment_gives_the_defaults(load: Load) -> None:
    settings = load()
    assert settings.database_path == Path("data/tzurot.db")
    assert not settings.is_replicated
    assert not settings.has_login_service


def test_a_stop_is_over_within_the_25_s_that_the_readme_and_the_example_name(load: Load) -> None:
    settings = load()
    steps = (
        settings.stop_timeout_seconds,
        settings.shutdown_sync_timeout_seconds,
        settings.litestream_stop_timeout_seconds,
        settings.lease_release_timeout_seconds,
    )
    assert sum(steps) == 25
    assert "stops within 25 s" in (EXAMPLE.parent / "README.md").read_text()
    assert "25 s in all at the worst" in EXAMPLE.read_text()


def test_an_empty_variable_counts_as_absent(load: Load) -> None:
    settings = load({"PORT": "", "DISCORD_TOKEN": "", "REPLICA_BUCKET": "", "DATABASE_PATH": ""})
    assert (settings.port, settings.discord_token, settings.is_replicated) == (8080, None, False)


def test_the_railway_volume_holds_the_database_unless_a_path_is_given(load: Load) -> None:
    assert load({"RAILWAY_VOLUME_MOUNT_PATH": "/app/data"}).database_path == Path("/app/data/tzurot.db")
    assert load({"DATABASE_PATH": "/elsewhere/x.db"}).database_path == Path("/elsewhere/x.db")


def test_a_pasted_secret_loses_the_space_and_newline_around_it(load: Load) -> None:
    token = load({"DISCORD_TOKEN": " invented.token\n"}).discord_token
    assert token is not None
    assert token.get_secret_value() == "invented.token"


def test_lists_are_separated_by_commas(load: Load) -> None:
    settings = load({"BOT_OWNER_PERSONALITIES": "one, two ,,", "ENCRYPTION_KEYS": f"{KEY},{KEY}"})
    assert settings.bot_owner_personalities == ("one", "two")
    assert len(settings.encryption_keys) == 2


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "http", "valid integer"),
        ("PORT", "70000", "less than or equal to 65535"),
        ("BOT_OWNER_ID", "me", "valid integer"),
        ("LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("SERVICE_TIMEOUT_SECONDS", "0", "greater than 0"),
        ("SERVICE_TIMEOUT_SECONDS", "inf", "finite"),
        ("SERVICE_TIMEOUT_SECONDS", "nan", "finite"),
        ("SERVICE_API_BASE_URL", "ai.example", "https://"),
        ("SERVICE_API_BASE_URL", "https://", "https://"),
        ("DISCORD_API_BASE", "ftp://discord.example", "https://"),
        ("DISCORD_GATEWAY", "https://gateway.example", "wss://"),
        ("SERVICE_MODEL_TEMPLATE", "{name}", "{service_id} and {full_name}"),
        ("REPLICA_PATH_STYLE", "perhaps", "valid boolean"),
        ("RESTORE_MODE", "guess", "'accept-volume' or 'prefer-replica'"),
        ("BOT_MENTION_CHAR", "@@", "at most 1 character"),
    ],
)
def test_an_error_names_the_variable_what_was_found_and_what_is_expected(
    load: Load, name: str, value: str, expected: str
) -> None:
    sentence = refusal(load, {name: value})
    assert name in sentence
    assert repr(value) in sentence
    assert expected in sentence


@pytest.mark.parametrize("prefix", ["/tzurot", "tzurot/", "a//b", "a b"])
def test_a_prefix_that_would_name_another_folder_is_refused(load: Load, prefix: str) -> None:
    assert "REPLICA_PREFIX" in refusal(load, REPLICA | {"REPLICA_PREFIX": prefix})


def test_every_wrong_variable_is_named_at_once(load: Load) -> None:
    sentence = refusal(load, {"PORT": "x", "LOG_LEVEL": "x", "BOT_OWNER_ID": "-1"})
    assert all(name in sentence for name in ("PORT", "LOG_LEVEL", "BOT_OWNER_ID"))


@pytest.mark.parametrize("key", ["invented-but-secret", base64.b64encode(b"too short").decode(), "ключ"])
def test_a_malformed_key_gets_the_recipe_and_is_not_shown(load: Load, key: str) -> None:
    sentence = refusal(load, {"ENCRYPTION_KEYS": f"{KEY},{key}"})
    assert "key 2" in sentence
    assert "os.urandom(32)" in sentence
    assert key not in sentence
    assert KEY not in sentence


def test_headers_that_are_no_json_object_are_refused_without_showing_them(load: Load) -> None:
    for value in ("{secret", '["secret"]', '{"X-Key": {"secret": 1}}'):
        sentence = refusal(load, {"SERVICE_EXTRA_HEADERS": value})
        assert "SERVICE_EXTRA_HEADERS" in sentence
        assert "secret" not in sentence


def test_no_secret_is_in_the_representation(load: Load) -> None:
    shown = repr(load(REPLICA | {"DISCORD_TOKEN": "invented.token", "SERVICE_API_KEY": "sk-1", "ENCRYPTION_KEYS": KEY}))
    assert not any(secret in shown for secret in ("invented.token", "sk-1", KEY, "invented-id", "invented-secret"))


@pytest.mark.parametrize("missing", [name for name in REPLICA if name != "REPLICA_BUCKET"])
def test_a_bucket_needs_all_that_belongs_to_it(load: Load, missing: str) -> None:
    assert missing in refusal(load, {name: value for name, value in REPLICA.items() if name != missing})


@pytest.mark.parametrize("left", ["REPLICA_ENDPOINT", "REPLICA_PREFIX"])
def test_a_bucket_that_was_forgotten_or_misspelt_does_not_silently_mean_no_copy(load: Load, left: str) -> None:
    assert "REPLICA_BUCKET must be set" in refusal(load, {left: REPLICA[left], "REPLICA_BUKET": "copies"})


@pytest.mark.parametrize(
    ("environment", "mode"),
    [
        ({}, "database"),
        ({"USE_DATABASE": "false"}, "json"),
        ({"USE_DATABASE": "true"}, "database"),
        ({"USE_DATABASE": "true", "STORAGE_MODE": "dual"}, "dual"),
        ({"USE_DATABASE": "false", "STORAGE_MODE": "json"}, "json"),
        ({"STORAGE_MODE": "shadow"}, "shadow"),
    ],
)
def test_either_setting_says_which_mode_runs(load: Load, environment: dict[str, str], mode: str) -> None:
    assert load(environment).mode == mode


@pytest.mark.parametrize(
    ("switch", "mode"), [("true", "json"), ("false", "dual"), ("false", "shadow"), ("false", "database")]
)
def test_two_settings_that_contradict_each_other_are_refused(load: Load, switch: str, mode: str) -> None:
    said = refusal(load, {"USE_DATABASE": switch, "STORAGE_MODE": mode})
    assert f"USE_DATABASE={switch} contradicts STORAGE_MODE={mode}; set one of them only" in said


@pytest.mark.parametrize(
    ("name", "value"), [("STORAGE_MODE", "files"), ("USE_DATABASE", "perhaps"), ("JSON_FORMAT", "gen3")]
)
def test_an_unknown_mode_or_format_is_named(load: Load, name: str, value: str) -> None:
    assert f"{name} is {value!r}: expected" in refusal(load, {name: value})


def test_the_files_lie_beside_the_database_unless_a_folder_is_given(load: Load) -> None:
    assert load({"DATABASE_PATH": "/app/data/tzurot.db"}).json_folder == Path("/app/data")
    assert load({"JSON_DIR": "/app/files"}).json_folder == Path("/app/files")


def test_files_are_not_replicated(load: Load) -> None:
    assert load(REPLICA | {"STORAGE_MODE": "dual"}).is_replicated
    assert not load(REPLICA | {"STORAGE_MODE": "json"}).is_replicated


def test_an_endpoint_without_a_name_cannot_carry_the_buckets_name(load: Load) -> None:
    assert "REPLICA_PATH_STYLE" in refusal(load, REPLICA | {"REPLICA_ENDPOINT": "http://127.0.0.1:9000"})
    assert load(REPLICA | {"REPLICA_ENDPOINT": "http://127.0.0.1:9000", "REPLICA_PATH_STYLE": "true"}).is_replicated


def test_a_dotenv_file_is_read_and_the_environment_wins(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=1000\nBOT_PREFIX='!x'\n")
    settings = load({"PORT": "2000"})
    assert (settings.port, settings.bot_prefix) == (2000, "!x")


def test_a_dotenv_file_that_is_no_text_is_a_configuration_error(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\xfe\n")
    assert ".env" in refusal(load, {})


def test_settings_cannot_be_changed_afterwards(load: Load) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1  # type: ignore[misc]


def test_the_example_names_every_setting_once_and_nothing_else() -> None:
    names = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert sorted(names) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_loads_as_it_is(load: Load, tmp_path: Path) -> None:
    defaults = load()
    (tmp_path / ".env").write_text(EXAMPLE.read_text())
    assert load() == defaults


def test_the_example_shows_the_defaults_and_its_other_examples_are_valid(load: Load, tmp_path: Path) -> None:
    defaults = load()
    (tmp_path / ".env").write_text(re.sub(r"^#([A-Z][A-Z0-9_]+=)", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE))
    text = dotenv_values(tmp_path / ".env")
    filled = load({name: value for name, value in REPLICA.items() if not text[name]})
    for name in Settings.model_fields.keys() - {"litestream_config"} - {name.lower() for name in REPLICA}:
        if default := getattr(defaults, name):
            assert getattr(filled, name) == default, name


def test_nothing_is_read_when_the_module_is_imported() -> None:
    environment = os.environ | {"PORT": "nonsense"}
    done = subprocess.run([sys.executable, "-c", "import bot.settings"], env=environment, check=False)
    assert done.returncode == 0
