"""A database that a bot has lived in, the folder that it is written as, and the database that is loaded from that."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.model import Secret
from bot.store.cipher import cipher_from
from bot.store.engine import connect, opened, transaction
from bot.store.files.all_plans import all_plans
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.load import LoadOptions, load_folder
from bot.store.files.plan import Format
from bot.store.files.rest.tables import REST_TABLES
from bot.store.legacy.record import Defaults
from bot.store.legacy.report import ImportReport
from bot.store.migrate import create_database
from tests.store.files.conftest import EMPTY, NOW
from tests.store.legacy.conftest import OWNER

DEFAULTS = Defaults(OWNER, 2_592_000, "2026-03-04T05:06:07.000Z")
LIFE = """
INSERT INTO personalities (full_name, name_lower, display_name, added_by, added_at, is_active, model, metadata) VALUES
    ('gull', 'gull', 'Gull 🐦', 200000000000000001, '2026-01-01T00:00:00.000Z', 1, 'm', '{"context":false}'),
    ('left', 'left', ' ', 0, '1970-01-01T00:00:00.000Z', 0, NULL, '{}');
INSERT INTO personality_aliases VALUES
    ('gúll', 'gull', 200000000000000001, '2026-01-02T00:00:00.000Z', NULL),
    ('ghost of left', 'left', 0, '2026-01-02T00:00:00.000Z', NULL);
INSERT INTO auth_tokens VALUES
    (200000000000000001, 'gull', :token, '2026-01-01T00:00:00.000Z', NULL, '2026-01-03T00:00:00.000Z', NULL);
INSERT INTO nsfw_verifications VALUES (200000000000000077, 0, NULL, 5, '2026-01-01T00:00:00.000Z', NULL);
INSERT INTO channel_activations VALUES (300000000000000077, 'gull', 0, '2026-01-01T00:00:00.000Z', NULL);
INSERT INTO conversations
    (id, channel_id, user_id, personality_name, started_at, last_message_at, message_count, metadata)
VALUES
    (77, 300000000000000077, 200000000000000001, 'gull', '2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z', 12,
    '{"x":1}');
WITH RECURSIVE n (value) AS (SELECT 1379000001522532400 UNION ALL SELECT value + 1 FROM n LIMIT 1300)
INSERT INTO message_mappings
SELECT value, 200000000000000001, 300000000000000077, p.id, 1, 0, NULL, NULL
FROM n, (SELECT id FROM personalities WHERE full_name = 'gull') AS p;
WITH odd (message_id, sent_at) AS (VALUES
    (1379000001522537400, '1970-01-01T00:00:00.001Z'),
    (1379000001522537401, '2025-06-02T00:00:00.123Z'),
    (1379000001522537402, strftime('%Y-%m-%dT%H:%M:%fZ', 1748849620.944, 'unixepoch')),
    (0, '2025-06-02T00:00:00.123Z'),
    (-5, NULL))
INSERT INTO message_mappings
SELECT odd.message_id, 200000000000000001, 300000000000000077, p.id, 0, 1, odd.sent_at, NULL
FROM odd, (SELECT id FROM personalities WHERE full_name = 'left') AS p;
INSERT INTO turns
SELECT message_id, channel_id, NULL, 4, user_id, personality_id, 'mention', 'answered', 'said "this" — 🐦' || char(10),
    2, NULL, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.001Z'
FROM message_mappings LIMIT 700;
INSERT INTO conversation_resets VALUES
    (300000000000000077, 200000000000000001, '*', 1379000001522537400), (300000000000000077, 5, 'gull', 3);
INSERT INTO turn_chunks SELECT message_id, p, message_id + p FROM turns, (SELECT 0 AS p UNION ALL SELECT 1);
INSERT INTO rewrites SELECT message_id, 'says "that" — 🐦', 1, '2026-01-01T00:00:00.001Z' FROM turns LIMIT 3;
INSERT INTO changes (id, changed_at, changed_by, kind, action, subject, before, batch) VALUES
    (800, '2026-01-01T00:00:00.000Z', 5, 'alias', 'delete', 'x', '{"a":"b"}', 'batch'),
    (900, '2026-01-01T00:00:00.000Z', 5, 'alias', 'put', 'gone', NULL, NULL);
DELETE FROM changes WHERE id = 900;
INSERT INTO auto_responses VALUES (200000000000000088, '2026-01-01T00:00:00.000Z', NULL);
INSERT INTO blacklist VALUES (200000000000000099, 0, NULL, 0, '1970-01-01T00:00:00.000Z', NULL, NULL);
INSERT INTO blacklist VALUES
    (200000000000000098, 0, 'rude', 5, '2026-11-23T19:00:00.000Z', '2027-11-23T19:00:00.000Z', NULL),
    (200000000000000099, 300000000000000001, NULL, 5, '2026-11-23T19:00:00.000Z', NULL, NULL),
    (0, 300000000000000002, 'the whole server', 5, '2026-11-23T19:00:00.000Z', NULL, NULL);
INSERT INTO notification_preferences (user_id, level) VALUES (200000000000000066, '');
INSERT OR REPLACE INTO notified_version VALUES (1, '3.0.0', NULL, NULL);
INSERT OR REPLACE INTO avatars
SELECT id, 'no digest', 'image/svg+xml', x'3c737667', NULL, NULL, NULL, NULL
FROM personalities WHERE full_name = 'left';
INSERT OR REPLACE INTO avatars
SELECT id, 'abcdef123456', 'image/png', x'89504e470d0a1a0a00ff', 'u', NULL, NULL, NULL
FROM personalities WHERE full_name = 'gull';
INSERT INTO webhooks VALUES (300000000000000077, 8, :webhook, '2026-01-01T00:00:00.000Z');
INSERT INTO gateway_marks VALUES (1, 1379000001522532400, '2026-01-01T00:00:00.000Z');
INSERT INTO lives (started_at, start, lost) VALUES ('2026-01-01T00:00:00.000Z', 'first', NULL);
INSERT INTO proxy_users VALUES (200000000000000001, '2026-01-01T00:00:00.000Z')
"""


@cache
def empty_database() -> bytes:
    """A new database's file: making one takes longer than a whole test with it."""
    with TemporaryDirectory() as folder:
        create_database(Path(folder) / "empty.db")
        return (Path(folder) / "empty.db").read_bytes()


def live(legacy: Any) -> None:
    """Leave in the database what no import does, in every table."""
    cipher = cipher_from(legacy.settings)
    secrets = {
        "token": cipher.encrypt(Secret("tok-own"), "auth_tokens", "token", 200000000000000001),
        "webhook": cipher.encrypt(Secret("tok-webhook"), "webhooks", "token", 300000000000000077),
    }
    with opened(connect(legacy.database, "rw", 1)) as connection, transaction(connection):
        for statement in LIFE.split(";\n"):
            connection.execute(statement, secrets)


def write_out(legacy: Any, folder: JsonFolder, target: Format) -> None:
    """Commit the database as the whole folder."""
    cipher = cipher_from(legacy.settings)
    with opened(connect(legacy.database, "ro", 1)) as connection:
        connection.execute("BEGIN")
        files = (file for plan in all_plans(target) for file in plan.write(connection, cipher))
        folder.commit(files, replace(EMPTY, format=target, counter=7))


def read_in(legacy: Any, folder: JsonFolder, database: Path, *, by_records: bool = False) -> ImportReport:
    """Load the folder into a new database."""
    database.write_bytes(empty_database())
    options = LoadOptions(cipher_from(legacy.settings), DEFAULTS, NOW, lambda *_: None, by_records)
    with opened(connect(database, "rw", 1)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        with transaction(connection):
            report = load_folder(connection, folder, options)
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    for name, count in report.tables.items():
        assert count.read == count.imported + count.unchanged + count.rejected, name
    return report


def state_of(database: Path) -> dict[str, list[Any]]:
    """Every row of every table that a folder follows, and the numbers that were given away."""
    with opened(connect(database, "ro", 1)) as connection:
        connection.row_factory = None
        found = {
            table.name: sorted(connection.execute(f"SELECT * FROM {table.name}").fetchall(), key=repr)  # noqa: S608
            for table in REST_TABLES
        }
        names = tuple(found)
        sequences = connection.execute("SELECT name, seq FROM sqlite_sequence ORDER BY name").fetchall()
    return found | {"sequences": [row for row in sequences if row[0] in names and row[1]]}


def opened_state_of(legacy: Any, database: Path) -> dict[str, list[Any]]:
    """The same with the logins' tokens in the open, which are encrypted anew where they are read from records."""
    cipher, state = cipher_from(legacy.settings), state_of(database)
    logins = [
        (user_id, name, cipher.decrypt(token, "auth_tokens", "token", user_id).reveal(), *more)
        for user_id, name, token, *more in state["auth_tokens"]
    ]
    return state | {"auth_tokens": sorted(logins, key=repr)}
