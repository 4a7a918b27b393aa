"""The environment as one frozen object, read on call and never at import."""

import base64
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from bot.errors import ConfigurationError

KEY_BYTES = 32
KEY_RECIPE = "python3 -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"

CommaSeparated = Annotated[tuple[str, ...], NoDecode]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]


class Settings(BaseSettings):
    """Every setting under its environment variable's name in lower case; `.env.example` explains each."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        str_strip_whitespace=True,
        hide_input_in_errors=True,
    )

    # Discord
    discord_token: SecretStr | None = None
    discord_api_base: str = "https://discord.com/api/v10"
    discord_gateway: str | None = None
    bot_prefix: str = Field("!tz", min_length=1, max_length=10)
    bot_mention_char: str = Field("@", min_length=1, max_length=1)
    bot_owner_id: int = Field(0, ge=0)
    bot_owner_personalities: CommaSeparated = ()
    receipt_dm: bool = False
    receipt_interval_seconds: Seconds = 600

    # The AI service
    service_api_base_url: str | None = None
    service_api_key: SecretStr | None = None
    service_id: str = ""
    service_model_template: str = "{service_id}/{full_name}"
    service_extra_headers: dict[str, str] = Field(default_factory=dict)
    service_app_id: str = ""
    service_website: str | None = None
    service_timeout_seconds: Seconds = 120
    profile_info_endpoint: str | None = None
    profile_interval_seconds: Seconds = 3
    profile_timeout_seconds: Seconds = 20
    profile_lifetime_seconds: Seconds = 86_400
    profile_backoff_limit_seconds: Seconds = 300
    profile_idle_seconds: Seconds = 60
    login_timeout_seconds: Seconds = 20
    token_lifetime_seconds: Seconds = 2_592_000
    refusal_interval_seconds: Seconds = 600
    bystander_refusal_interval_seconds: Seconds = 86_400

    # The database
    database_path: Path = Path("data/tzurot.db")
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    import_dir: Path | None = None
    busy_timeout_seconds: Seconds = 10
    slow_statement_seconds: Seconds = 0.5
    progress_interval_seconds: Seconds = 5
    read_timeout_seconds: Seconds = 2
    changes_lifetime_seconds: Seconds = 2_592_000
    turns_lifetime_seconds: Seconds = 2_592_000
    upkeep_interval_seconds: Seconds = 3600
    undo_lifetime_seconds: Seconds = 86_400
    undo_question_timeout_seconds: Seconds = 120

    # The JSON files beside it
    storage_mode: Literal["json", "dual", "shadow", "database"] | None = None
    use_database: bool | None = None
    json_dir: Path | None = None
    json_format: Literal["gen1", "gen2"] | None = None
    json_interval_seconds: Seconds = 0.75
    json_retry_seconds: Seconds = 5
    json_flush_timeout_seconds: Seconds = 5
    json_retention_seconds: Seconds = 2_592_000
    shadow_interval_seconds: Seconds = 10

    # The copy in object storage
    replica_bucket: str | None = None
    replica_endpoint: str | None = None
    replica_region: str = "auto"
    replica_prefix: str | None = None
    replica_path_style: bool = False
    litestream_access_key_id: SecretStr | None = None
    litestream_secret_access_key: SecretStr | None = None
    litestream_config: Path = Path(__file__).parent.parent / "litestream.yml"
    litestream_socket: Path | None = None
    litestream_log_level: Literal["DEBUG", "INFO", "WARN", "ERROR"] = "WARN"
    allow_init: str | None = None
    restore_mode: Literal["accept-volume", "prefer-replica"] | None = None
    replica_interval_seconds: Seconds = 0.25
    replica_retention_seconds: Seconds = 604_800
    replica_timeout_seconds: Seconds = 60
    bucket_request_timeout_seconds: Seconds = 10
    restore_timeout_seconds: Seconds = 120
    restore_attempts: Count = 3
    canary_interval_seconds: Seconds = 15
    canary_retry_seconds: Seconds = 5
    canary_failure_limit: Count = 3
    sync_timeout_seconds: Seconds = 5
    confirmation_retry_seconds: Seconds = 0.25
    replication_restart_timeout_seconds: Seconds = 5
    litestream_hang_limit_seconds: Seconds = 20
    replication_restart_delay_seconds: Seconds = 30
    replication_restart_limit_seconds: Seconds = 600
    outage_limit_seconds: Seconds = 120
    outage_mode: Literal["continue", "read-only"] = "continue"
    acknowledgement_timeout_seconds: Seconds = 2
    drill_interval_seconds: Seconds = 21_600
    drill_delay_seconds: Seconds = 300
    drill_timeout_seconds: Seconds = 1800
    acknowledgement_lifetime_seconds: Seconds = 840
    deferral_delay_seconds: Seconds = 0.5
    check_timeout_seconds: Seconds = 10
    volume_check_interval_seconds: Seconds = 1
    lease_interval_seconds: Seconds = 10
    lease_request_timeout_seconds: Seconds = 5
    lease_loss_seconds: Seconds = 20
    lease_takeover_seconds: Seconds = 40
    lease_timeout_seconds: Seconds = 90
    lease_release_timeout_seconds: Seconds = 2

    # The process
    port: int = Field(8080, ge=0, le=65_535)
    listen_address: str = "0.0.0.0"  # noqa: S104 - probes come from outside the container
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    lock_timeout_seconds: Seconds = 90
    start_timeout_seconds: Seconds = 60
    bot_stop_timeout_seconds: Seconds = 2
    stop_timeout_seconds: Seconds = 15
    shutdown_sync_timeout_seconds: Seconds = 5
    litestream_stop_timeout_seconds: Seconds = 3
    restart_delay_seconds: Seconds = 1
    restart_delay_limit_seconds: Seconds = 120
    identify_interval_seconds: Seconds = 600
    gateway_retry_seconds: Seconds = 1
    gateway_retry_limit_seconds: Seconds = 60
    gateway_close_timeout_seconds: Seconds = 0.4
    guild_ready_timeout_seconds: Seconds = 0.05
    discord_timeout_seconds: Seconds = 60
    turn_grace_seconds: Seconds = 0.7
    turn_confirmation_timeout_seconds: Seconds = 2
    send_attempts: Count = 5
    send_retry_seconds: Seconds = 1
    catch_up_limit_seconds: Seconds = 900
    catch_up_overlap_seconds: Seconds = 5
    catch_up_concurrency: Count = 4
    conversation_lifetime_seconds: Seconds = 86_400
    mark_interval_seconds: Seconds = 5

    # What people write
    auto_response_lifetime_seconds: Seconds = 1800
    dm_conversation_lifetime_seconds: Seconds = 7200
    edit_limit_seconds: Seconds = 60
    typing_interval_seconds: Seconds = 8
    quote_timeout_seconds: Seconds = 5
    proxy_wait_seconds: Seconds = 2.5
    proxy_match_seconds: Seconds = 15
    proxy_lifetime_seconds: Seconds = 2_592_000
    pluralkit_lookup: bool = True
    pluralkit_api_base: str = "https://api.pluralkit.me/v2"
    pluralkit_timeout_seconds: Seconds = 5
    pluralkit_interval_seconds: Seconds = 0.5
    user_rate_limit: Count = 20
    channel_rate_limit: Count = 30
    rate_interval_seconds: Seconds = 60
    release_note_interval_seconds: Seconds = 1
    release_note_retry_seconds: Seconds = 60
    purge_message_limit: Count = 2000

    # Set by Railway
    railway_environment_id: str | None = None
    railway_volume_mount_path: Path | None = None

    @field_validator("bot_owner_personalities", "encryption_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _check_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for position, key in enumerate(keys, start=1):
            try:
                length = len(base64.b64decode(key.get_secret_value(), validate=True))
            except ValueError:
                raise ValueError(f"key {position} is not base64; make one with: {KEY_RECIPE}") from None
            if length != KEY_BYTES:
                raise ValueError(
                    f"key {position} has {length} bytes instead of {KEY_BYTES}; make one with: {KEY_RECIPE}"
                )
        return keys

    @field_validator(
        "discord_api_base",
        "service_api_base_url",
        "service_website",
        "profile_info_endpoint",
        "replica_endpoint",
        "pluralkit_api_base",
    )
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        if value is not None and not _is_url(value, "http", "https"):
            raise ValueError("expected a URL that starts with https:// or http://")
        return value.rstrip("/") if value else value

    @field_validator("discord_gateway")
    @classmethod
    def _check_gateway(cls, value: str | None) -> str | None:
        if value is not None and not _is_url(value, "ws", "wss"):
            raise ValueError("expected a URL that starts with wss:// or ws://")
        return value

    @field_validator("service_model_template")
    @classmethod
    def _check_template(cls, value: str) -> str:
        try:
            value.format(service_id="", full_name="")
        except (KeyError, IndexError, ValueError):
            raise ValueError("expected text with {service_id} and {full_name} as its only placeholders") from None
        return value

    @field_validator("replica_prefix")
    @classmethod
    def _check_prefix(cls, value: str | None) -> str | None:
        if value is not None and (value.strip("/") != value or "//" in value or any(c.isspace() for c in value)):
            raise ValueError("expected a folder such as tzurot/production: no spaces, no slash at either end")
        return value

    @model_validator(mode="before")
    @classmethod
    def _default_database_path(cls, values: dict[str, Any]) -> dict[str, Any]:
        mount = values.get("railway_volume_mount_path")
        if mount and not values.get("database_path"):
            return {**values, "database_path": Path(mount) / "tzurot.db"}
        return values

    @model_validator(mode="after")
    def _check_replica(self) -> Self:
        if self.replica_bucket is None:
            if self.replica_endpoint or self.replica_prefix:
                raise ValueError("REPLICA_ENDPOINT or REPLICA_PREFIX is set, so REPLICA_BUCKET must be set too")
            return self
        needed = {
            "REPLICA_ENDPOINT": self.replica_endpoint,
            "REPLICA_PREFIX": self.replica_prefix,
            "LITESTREAM_ACCESS_KEY_ID": self.litestream_access_key_id,
            "LITESTREAM_SECRET_ACCESS_KEY": self.litestream_secret_access_key,
        }
        missing = [name for name, value in needed.items() if not value]
        if missing:
            raise ValueError(f"REPLICA_BUCKET is set, so {', '.join(missing)} must be set too")
        if not self.replica_path_style and _is_address(self.replica_endpoint or ""):
            raise ValueError("REPLICA_ENDPOINT has an IP address and no name, so REPLICA_PATH_STYLE must be true")
        return self

    @model_validator(mode="after")
    def _check_mode(self) -> Self:
        if None not in (self.storage_mode, self.use_database) and self.use_database == (self.storage_mode == "json"):
            raise ValueError(
                f"USE_DATABASE={str(self.use_database).lower()} contradicts STORAGE_MODE={self.storage_mode};"
                " set one of them only"
            )
        return self

    @model_validator(mode="after")
    def _check_turns(self) -> Self:
        if self.turns_lifetime_seconds < 2 * self.catch_up_limit_seconds:
            raise ValueError(
                "TURNS_LIFETIME_SECONDS must be at least twice CATCH_UP_LIMIT_SECONDS,"
                " or a message could be answered again whose turn is forgotten"
            )
        return self

    @model_validator(mode="after")
    def _check_lease(self) -> Self:
        if self.lease_interval_seconds + self.lease_request_timeout_seconds >= self.lease_loss_seconds:
            raise ValueError(
                "LEASE_INTERVAL_SECONDS and LEASE_REQUEST_TIMEOUT_SECONDS together must be less than "
                "LEASE_LOSS_SECONDS, or one slow renewal would stop the copy"
            )
        if not self.lease_loss_seconds < self.lease_takeover_seconds < self.lease_timeout_seconds:
            raise ValueError(
                "LEASE_LOSS_SECONDS must be less than LEASE_TAKEOVER_SECONDS, and that less than "
                "LEASE_TIMEOUT_SECONDS, or two instances could write at once"
            )
        return self

    @property
    def mode(self) -> Literal["json", "dual", "shadow", "database"]:
        """Where the state is kept: STORAGE_MODE, or what USE_DATABASE means alone."""
        return self.storage_mode or ("json" if self.use_database is False else "database")

    @property
    def json_folder(self) -> Path:
        """The folder of the JSON files, which is the database's own unless JSON_DIR says otherwise."""
        return self.json_dir or self.database_path.parent

    @property
    def state_folder(self) -> Path:
        """Where the state lies, and the lock of whoever serves it."""
        return self.json_folder if self.mode == "json" else self.database_path.parent

    @property
    def is_replicated(self) -> bool:
        """Whether the database is copied to a bucket; otherwise the volume is the only copy."""
        return self.replica_bucket is not None and self.mode != "json"

    @property
    def has_login_service(self) -> bool:
        """Whether users log in themselves; otherwise the operator's key serves everyone."""
        return self.service_website is not None


def load_settings(overrides: Mapping[str, Any] | None = None, *, env_file: Path | None = Path(".env")) -> Settings:
    """Read the environment; `overrides` are fields that a command-line option gave.

    Raises ConfigurationError that names every wrong variable, what was found and what is expected.
    """
    try:
        return Settings(_env_file=env_file, **(overrides or {}))
    except (UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"The file {env_file} can't be read as UTF-8 text ({type(error).__name__}).") from None
    except SettingsError as error:
        name = str(error).split('"')[1].upper()
        raise ConfigurationError(
            f"Wrong settings: {name} is not a JSON object.", remedy=".env.example explains every setting."
        ) from None
    except ValidationError as error:
        lines = [_explain(detail) for detail in error.errors(include_context=False, include_url=False)]
        raise ConfigurationError(
            "Wrong settings: " + "; ".join(lines) + ".", remedy=".env.example explains every setting."
        ) from None


def _is_url(value: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0 and " " not in value
    except ValueError:
        return False


def _is_address(url: str) -> bool:
    try:
        ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return True


def _explain(detail: ErrorDetails) -> str:
    msg = detail["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    expected = msg.partition(", unable to")[0]
    if not detail["loc"]:
        return expected
    name = str(detail["loc"][0])
    found = detail["input"]
    field = Settings.model_fields.get(name)
    is_secret = field is None or "Secret" in str(field.annotation) or "headers" in name
    shown = "" if is_secret or not isinstance(found, (str, int, float)) else f" is {str(found)[:80]!r}:"
    return f"{name.upper()}{shown} {expected}"
