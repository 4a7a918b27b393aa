"""Whatever a folder holds: what was imported of it comes out again, and goes in again as the same rows."""

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import UnreadableError
from bot.store.files.plan import Format
from bot.store.legacy.encoding import detect_format
from bot.store.legacy.moments import UNKNOWN_TIME
from bot.store.migrate import create_database
from tests.store.legacy.encoding.folders import contents, encode, rows
from tests.store.legacy.encoding.strategies import flat_folders, nested_folders
from tests.store.legacy.test_properties import MUTATIONS, mutate

Make = Callable[[], Any]
OTHER = {Format.GEN1: Format.GEN2, Format.GEN2: Format.GEN1}
FOLDERS = st.one_of(st.tuples(st.just(Format.GEN1), flat_folders()), st.tuples(st.just(Format.GEN2), nested_folders()))
LIMITS = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def making(make_legacy: Callable[[str], Any], tmp_path: Path) -> Callable[[], Any]:
    """Folders and empty databases without end, in a block after which they are gone."""
    create_database(tmp_path / "empty.db")
    numbers = count()

    @contextmanager
    def make() -> Iterator[Make]:
        made = []

        def one() -> Any:
            legacy = make_legacy(f"example-{next(numbers)}")
            legacy.database.parent.mkdir()
            shutil.copy(tmp_path / "empty.db", legacy.database)
            made.append(legacy)
            return legacy

        try:
            yield one
        finally:
            for legacy in made:
                shutil.rmtree(legacy.path.parent)

    return make


def fill(legacy: Any, files: dict[str, Any]) -> None:
    for name, content in files.items():
        legacy.write_bytes(name, json.dumps(content).encode())


def people_of(files: dict[str, Any]) -> dict[str, Any]:
    people: dict[str, Any] = files["personalities.json"]
    return dict(people["personalities"]) if people.keys() >= {"personalities", "aliases"} else people


@LIMITS
@given(made=FOLDERS)
def test_any_folder_comes_out_as_it_was_and_goes_in_again(making: Any, made: tuple[Format, dict[str, Any]]) -> None:
    target, files = made
    with making() as make:
        legacy, again = make(), make()
        fill(legacy, files)
        assert legacy.bring_in().rejects == []
        encoded = contents(encode(legacy, target, again.path))
        for name, content in files.items():
            if target is Format.GEN2 and name == "personalities.json":
                content |= {key: encoded[name][key] for key in ("version", "lastUpdated")}
            if name == "blacklist.json":
                content |= {user: ban for user, ban in encoded[name].items() if user not in content}
            assert encoded[name] == content, name
        assert again.bring_in().rejects == []
        assert rows(again) == rows(legacy)


PLACES = {
    "personalities": ("full_name", "display_name", "avatar_url", "error_message", "added_by", "added_at"),
    "personality_aliases": ("alias", "personality_name"),
    "auth_tokens": ("user_id", "personality_name", "token", "created_at", "expires_at"),
    "nsfw_verifications": ("user_id", "is_verified", "verified_at"),
    "channel_activations": ("channel_id", "personality_name", "activated_by", "activated_at"),
    "message_mappings": ("message_id", "user_id", "channel_id", "is_dm", "is_mention_only", "sent_at", "full_name"),
    "conversations": ("channel_id", "user_id", "personality_name", "last_message_at", "is_dm", "is_mention_only"),
    "auto_responses": ("user_id",),
    "blacklist": ("user_id", "reason", "blacklisted_by", "blacklisted_at"),
    "notification_preferences": ("user_id", "is_opted_out", "level", "last_notified", "created_at", "updated_at"),
    "notified_version": ("version", "notified_at"),
}
"""The columns for which both formats have a place."""


def assert_shared(legacy: Any, other: Any) -> None:
    """Both have the same rows, as far as both formats can tell; a time that nobody knows is told by neither."""
    before, after = rows(legacy), rows(other)
    for found in (before, after):
        found["personalities"] = [row for row in found["personalities"] if row["is_active"]]
    for table, columns in PLACES.items():
        for old, new in zip(before[table], after[table], strict=True):
            told = [column for column in columns if old[column] != UNKNOWN_TIME]
            assert {column: new[column] for column in told} == {column: old[column] for column in told}, table


@LIMITS
@given(made=FOLDERS)
def test_the_other_format_has_everything_that_it_has_a_place_for(
    making: Any, made: tuple[Format, dict[str, Any]]
) -> None:
    source, files = made
    with making() as make:
        legacy, other = make(), make()
        fill(legacy, files)
        legacy.bring_in()
        encoded = contents(encode(legacy, OTHER[source], other.path))
        assert other.bring_in().rejects == []
        assert_shared(legacy, other)
        kept = people_of(encoded)
        for name, person in people_of(files).items():
            assert {key: person[key] for key in person if key.startswith("_")}.items() <= kept.get(name, person).items()


@LIMITS
@given(mutations=MUTATIONS, generation=st.sampled_from(["flat", "nested"]))
def test_a_damaged_folder_goes_round(
    making: Any, request: pytest.FixtureRequest, mutations: Any, generation: str
) -> None:
    files = copy.deepcopy(contents(request.getfixturevalue(generation).path))
    mutate(files, mutations)
    target = Format.GEN1 if generation == "flat" else Format.GEN2
    with making() as make:
        legacy, again = make(), make()
        fill(legacy, files)
        try:
            legacy.bring_in()
        except UnreadableError:
            return  # a whole file became something else
        if detect_format(legacy.path) is not target:
            return
        encode(legacy, target, again.path)
        again.bring_in()
        assert rows(again) == rows(legacy)
