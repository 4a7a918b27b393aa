"""Both ways through a JSON file give what the standard library gives, in pieces of any size."""

import json
from pathlib import Path
from typing import Any

import ijson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import UnreadableError
from bot.store.legacy import json_file, quick
from bot.store.legacy.json_file import JsonFile

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(st.text(max_size=8), values, max_size=8)
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


def read(path: Path) -> Any:
    return dict(JsonFile(path, path.name).entries())


@same_folder
@given(content=objects, indent=st.sampled_from([None, 2]), is_ascii=st.booleans(), size=st.integers(1, 40))
def test_any_object_reads_as_it_was_written(
    tmp_path: Path, content: Any, indent: int | None, size: int, *, is_ascii: bool
) -> None:
    path = tmp_path / "x.json"
    text = json.dumps(content, indent=indent, ensure_ascii=is_ascii)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_file, "CHUNK_BYTES", size)
        assert read(path) == content


@same_folder
@given(content=objects, cut=st.integers(1, 400), size=st.integers(1, 64))
def test_no_cut_goes_unnoticed(tmp_path: Path, content: Any, cut: int, size: int) -> None:
    path = tmp_path / "x.json"
    whole = json.dumps(content, indent=2).encode()
    path.write_bytes(whole[: max(len(whole) - cut, 0)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_file, "CHUNK_BYTES", size)
        with pytest.raises(UnreadableError, match=r"line \d+, column \d+"):
            read(path)


@same_folder
@given(content=st.lists(values, max_size=6))
def test_any_list_reads_as_it_was_written(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content))
    assert list(JsonFile(path, "x").items()) == content


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read(path) == {"a": 1}


def test_the_parser_in_c_is_there() -> None:
    assert ijson.backend == quick.PARSER


@pytest.mark.parametrize("value", ["\ud800", "é", "\N{OWL}", 2**70, 1.5, None])
def test_a_large_file_reads_the_same_in_the_quick_way(tmp_path: Path, value: Any) -> None:
    content = {f"key-{number}": {"v": value, "n": number} for number in range(60_000)}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content, indent=2))
    file = JsonFile(path, "x.json")
    assert list(file.survey())[-1] == 60_000
    assert file._is_plain == (value not in ("\ud800", "\N{OWL}", 2**70))
    assert dict(file.entries()) == content


def test_a_file_that_changes_between_the_readings_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({str(number): "x" * 100 for number in range(20_000)}))
    file = JsonFile(path, "x.json")
    assert list(file.survey())[-1] == 20_000
    path.write_text('{"a": ')
    with pytest.raises(UnreadableError, match="was changed"):
        dict(file.entries())
