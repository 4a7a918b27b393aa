"""What a typed name may mean: own personalities, beginnings and parts, and names that lead to the right one."""

import pytest

from bot.model import Activation, Alias, Personality
from bot.rules.commands.choices import Found, choose
from bot.store import activations, aliases, choices, personalities
from bot.store.statement import Query, Store

from .conftest import NOW

ME, OTHER = 4, 5


async def add(store: Store, name: str, *also: str, by: int = OTHER) -> None:
    await store.write(
        personalities.put(Personality(name, name.title(), by, NOW)),
        *(aliases.put(Alias(alias, name, by, NOW)) for alias in also),
    )


async def values(store: Store, typed: str, *, is_own: bool = False) -> list[str]:
    found = await store.fetch(choices.find(ME, typed, is_own=is_own))
    return [choice.value for choice in choose(found, typed)]


async def test_names_and_aliases_are_found_by_their_beginning_and_by_a_part(store: Store) -> None:
    await add(store, "Lilith", "Night Queen")
    await add(store, "Queenie")
    await add(store, "Mine", "drag queen", by=ME)
    assert await values(store, "queen") == ["Mine", "Queenie", "Lilith"]
    assert await values(store, "queen", is_own=True) == ["Mine"]
    assert await values(store, "lil") == ["Lilith"]
    assert await values(store, "nothing like it") == []


async def test_with_nothing_typed_ones_own_come_first_and_then_the_others(store: Store) -> None:
    await add(store, "aaa")
    await add(store, "zzz", by=ME)
    assert await values(store, "") == ["zzz", "aaa"]
    assert await values(store, "", is_own=True) == ["zzz"]


async def test_removed_ones_are_not_offered(store: Store) -> None:
    await add(store, "lilith", "lil", by=ME)
    await store.write(*personalities.remove("lilith", ME, NOW, ME))
    assert await values(store, "lil") == []


@pytest.mark.parametrize("typed", ["%", "_", "\\", "'", "🌙", "ночь"])
async def test_whatever_is_typed_stands_for_itself(store: Store, typed: str) -> None:
    await add(store, "plain")
    await add(store, "odd", f"a{typed}b")
    assert await values(store, typed) == ["odd"]


async def test_a_name_that_is_too_long_or_leads_to_another_one_is_given_by_an_alias(store: Store) -> None:
    await add(store, "echo", "reverb")
    await add(store, "lilith")
    await store.write(aliases.put(Alias("echo", "lilith", OTHER, NOW)))
    long = "l" * 150
    await add(store, long, "m" * 150, "short")
    offered = dict.fromkeys(await values(store, ""))
    assert list(offered) == ["reverb", "lilith", "short"]
    for value in offered:
        assert await store.first(personalities.find_by_name(value.lower())) is not None
    found = await store.first(personalities.find_by_name("reverb"))
    assert found is not None
    assert found.full_name == "echo"


async def test_an_alias_of_more_than_a_hundred_characters_is_found_and_given_by_the_full_name(store: Store) -> None:
    await add(store, "lilith", "queen of " + "the night " * 12)
    assert await values(store, "queen of") == ["lilith"]


async def test_only_the_personality_that_is_active_there_is_offered_for_its_channel(store: Store) -> None:
    await add(store, "lilith", by=ME)
    await add(store, "baba")
    await store.write(activations.put(Activation(8, "baba", ME, NOW)))
    assert await store.fetch(choices.find_active(ME, 8)) == [Found("baba", "Baba", None, "baba", is_own=False)]
    assert await store.fetch(choices.find_active(ME, 9)) == []


async def test_what_begins_with_it_is_found_among_any_number(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "SCANNED", 2)
    monkeypatch.setattr(choices, "OWN_SCANNED", 2)
    for number in range(9):
        await add(store, f"name {number}", by=ME)
    assert await values(store, "name 8") == ["name 8"]
    assert await values(store, "name 8", is_own=True) == ["name 8"]


async def test_no_arm_of_the_query_reads_a_whole_table(store: Store) -> None:
    for is_own in (True, False):
        query = choices.find(ME, "a", is_own=is_own)
        explained = Query(f"EXPLAIN QUERY PLAN {query.sql}", lambda row: str(row["detail"]), query.parameters)
        tables = [step for step in await store.fetch(explained) if "personalities" in step or "personality_" in step]
        assert tables
        assert not [step for step in tables if step.startswith("SCAN") and "USING COVERING INDEX" not in step]
