"""Whatever happens to a folder's records: the counts add up, and the second import changes nothing."""

import copy
import json
import shutil
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.errors import UnreadableError

NUMBERS = count()

ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.sampled_from(
        ["rook", "ROOK", "200000000000000001", "\0", "\ud800", "true", "2025-01-01", 1749321, "", "*", "__proto__"]
    ),
    st.lists(st.none() | st.text(max_size=3), max_size=3),
    st.dictionaries(
        st.sampled_from(["value", "token", "verified", "fullName", "aliases"]), st.none() | st.text(max_size=3)
    ),
)
MUTATIONS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(["set", "drop", "key", "copy", "add"]),
        ODD_VALUES,
        st.text(max_size=5),
    ),
    min_size=1,
    max_size=12,
)


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value: its container and its key."""
    if not isinstance(value, (dict, list)):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [spot for key in keys for spot in spots(value[key])]


def mutate(files: dict[str, Any], mutations: list[tuple[float, str, Any, str]]) -> None:
    for where, how, odd, text in mutations:
        places = spots(files)[len(files) :]
        if not places:
            return
        container, key = places[int(where * len(places))]
        if how == "set":
            container[key] = odd
        elif how == "drop":
            del container[key]
        elif isinstance(container, dict):
            container[str(key).upper() if how == "key" else f"{key}{text}"] = copy.deepcopy(container[key])
            if how == "add":
                container[text] = odd


@example(mutations=[(0.6875, "set", -9_223_372_036_854_775_809, "")], generation="flat")
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations=MUTATIONS, generation=st.sampled_from(["flat", "nested"]))
def test_counts_add_up_for_any_folder(
    make_legacy: Any, request: pytest.FixtureRequest, mutations: Any, generation: str
) -> None:
    source = request.getfixturevalue(generation)
    files = {path.name: json.loads(path.read_bytes()) for path in sorted(source.path.iterdir())}
    mutate(files, mutations)
    legacy = make_legacy(f"example-{next(NUMBERS)}")
    for name, content in files.items():
        legacy.write_bytes(name, json.dumps(content).encode())
    try:
        first = legacy.bring_in()
    except UnreadableError:
        return  # a whole file became something else
    assert first.comparison is not None
    assert first.comparison.is_equal, first.comparison.differences
    before = legacy.dump()
    second = legacy.bring_in()
    assert legacy.dump() == before
    assert second.count("imported") == 0
    assert second.count("rejected") == first.count("rejected")
    shutil.rmtree(legacy.path.parent)
