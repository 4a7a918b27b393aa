"""Every import leaves on record what it read and what the comparison at its end found, or nothing at all."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bot.errors import UnreadableError
from bot.store.files.plan import Format
from tests.store.files.exported import edit, export_to
from tests.store.legacy.conftest import Legacy, write_flat


def manifests(legacy: Legacy) -> list[dict[str, Any]]:
    return [json.loads(row["manifest"]) for row in legacy.rows("SELECT manifest FROM imports ORDER BY id")]


def test_each_source_file_is_on_record_with_its_hash(legacy: Legacy) -> None:
    legacy.bring_in()
    (manifest,) = manifests(legacy)
    assert manifest["files"] == {
        path.relative_to(legacy.path).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in legacy.path.rglob("*")
        if path.is_file()
    }
    (row,) = legacy.rows("SELECT folder FROM imports")
    assert row["folder"] == str(legacy.path.resolve())


def test_counts_and_digests_of_each_table_are_on_record(legacy: Legacy) -> None:
    report = legacy.bring_in()
    (manifest,) = manifests(legacy)
    assert manifest["counts"]["personalities"]["imported"] == report.tables["personalities"].imported
    tables = manifest["comparison"]["tables"]
    assert tables["personalities"]["folder_digest"] == tables["personalities"]["database_digest"]
    assert manifest["comparison"]["is_equal"]
    assert report.comparison is not None
    assert report.comparison.is_equal


def test_no_token_is_on_record(legacy: Legacy) -> None:
    legacy.bring_in()
    assert "tok-" not in json.dumps(manifests(legacy))


def test_a_dry_run_leaves_nothing_on_record(legacy: Legacy) -> None:
    report = legacy.bring_in(is_dry_run=True)
    assert report.comparison is None
    assert manifests(legacy) == []


def test_what_the_database_has_newer_is_a_difference_on_record(legacy: Legacy) -> None:
    legacy.bring_in()
    legacy.execute("UPDATE auth_tokens SET created_at = '2026-03-04T00:00:00.000Z' WHERE user_id = 200000000000000001")
    report = legacy.bring_in()
    assert report.comparison is not None
    assert [(one.table, one.key) for one in report.comparison.differences] == [("auth_tokens", "200000000000000001")]
    assert not manifests(legacy)[-1]["comparison"]["is_equal"]


def test_a_folder_of_our_own_is_compared_with_all_that_is_in_it(legacy: Legacy, make_legacy: Any) -> None:
    legacy.bring_in()
    again = make_legacy("again")
    report = again.bring_in(export_to(legacy, again.path / "out", Format.GEN1).folder)
    assert report.comparison is not None
    assert report.comparison.is_equal
    assert report.comparison.tables["changes"].folder > 0
    assert ".tzurot/changes.json" in manifests(again)[-1]["files"]


def test_a_file_that_changes_while_it_is_read_stops_the_import(make_legacy: Any) -> None:
    legacy = make_legacy("moving")
    write_flat(legacy)

    def add_a_user(stage: str, _done: int) -> None:
        if stage == "reading the folder":
            legacy.write("auto_response.json", ["200000000000000009"])

    legacy.write("message_map.json", many_messages())
    with pytest.raises(UnreadableError, match=r"auto_response\.json was changed while it was read"):
        legacy.bring_in(progress=add_a_user)
    assert manifests(legacy) == []
    assert legacy.rows("SELECT 1 FROM personalities") == []


def many_messages() -> dict[str, Any]:
    record = {
        "userId": "200000000000000001",
        "channelId": "300000000000000001",
        "personalityName": "rook",
        "timestamp": 1749321806895,
        "isDM": False,
        "isMentionOnly": False,
    }
    return {str(1379000001522532352 + number): record for number in range(6000)}


def test_a_file_that_was_left_out_is_no_reason_to_fail(legacy: Legacy) -> None:
    legacy.write_bytes("conversations.json", b"{")
    report = legacy.bring_in(may_skip_unreadable=True)
    assert report.comparison is not None
    assert report.comparison.is_equal
    assert "conversations.json" in manifests(legacy)[-1]["files"]


def test_a_record_that_was_rejected_is_told_apart(make_legacy: Any) -> None:
    legacy = make_legacy("rejected")
    write_flat(legacy)
    edit(legacy.path, "aliases.json", lambda aliases: aliases.update(phantom="nobody"))
    report = legacy.bring_in()
    assert report.comparison is not None
    assert report.comparison.is_equal
    assert report.comparison.count("rejected") == 1


def test_a_link_names_the_folder_that_it_leads_to(make_legacy: Any, tmp_path: Path) -> None:
    legacy = make_legacy("linked")
    write_flat(legacy)
    (tmp_path / "link").symlink_to(legacy.path)
    legacy.bring_in(tmp_path / "link")
    (row,) = legacy.rows("SELECT folder FROM imports")
    assert row["folder"] == str(legacy.path.resolve())
