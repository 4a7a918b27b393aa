"""How a comparison of a folder with the database is told to a person."""

from collections.abc import Iterator
from pathlib import Path

from bot.cli.printing import print_table, show
from bot.rules.wording import counted
from bot.store.files.folder.state import REST_FOLDER
from bot.store.files.proof.findings import Kind, Proof, TableProof

WORDS = {
    Kind.ONLY_IN_FOLDER: "only in the folder",
    Kind.ONLY_IN_DATABASE: "only in the database",
    Kind.DIFFERENT: "different",
}
COLUMNS = ("table", "folder", "database", *WORDS.values(), "rejected")
COUNTS = ("folder", "database", *WORDS, "rejected")


def show_proof(proof: Proof, folder: Path) -> None:
    """The tables, what differs, and the verdict last."""
    if proof.tables:
        rows = [(name, *(f"{getattr(table, count):,}" for count in COUNTS)) for name, table in _folded(proof).items()]
        print_table(COLUMNS, rows, frozenset(range(1, len(COLUMNS))))
        show("")
    show_differences(proof)
    for sentence in (*_rejected(proof), *_respelled(proof), *proof.remarks, verdict(proof, folder)):
        show(sentence)


def _folded(proof: Proof) -> dict[str, TableProof]:
    """The tables, with what the original has no columns for in one row, as long as nothing of it differs."""
    kept = {name: table for name, table in proof.tables.items() if name.startswith(REST_FOLDER)}
    if not kept or any(table.differences for table in kept.values()):
        return proof.tables
    count = sum(table.folder for table in kept.values())
    shown = {name: table for name, table in proof.tables.items() if name not in kept}
    return shown | {f"{REST_FOLDER}/*": TableProof(count, count)}


def show_differences(proof: Proof) -> None:
    """The first differences of each table, by their keys."""
    if not proof.differences:
        return
    rows = [(one.table, one.key, WORDS[one.kind]) for one in proof.differences]
    print_table(("table", "key", "how it differs"), rows)
    more = proof.count("differences") - len(proof.differences)
    show(f"… and {more:,} more." if more else "")


def verdict(proof: Proof, folder: Path) -> str:
    """The result in one sentence."""
    if proof.behind:
        return (
            f"Not known: the files in {folder} are at least {counted(proof.behind, 'change')} behind the database"
            " and do not catch up; `tzurot status` says why."
        )
    if differing := proof.count("differences"):
        return f"NOT equal: {differing:,} records differ between {folder} and the database."
    equal = proof.count("database")
    return f"Compared: {equal:,} records on both sides are equal."


def _rejected(proof: Proof) -> Iterator[str]:
    for reject in proof.rejects:
        yield f"Not in the database, because an import rejects it: {reject.file} {reject.key}: {reject.reason}."
    more = proof.count("rejected") - len(proof.rejects)
    if more:
        yield f"… and {more:,} more that an import rejects."


def _respelled(proof: Proof) -> Iterator[str]:
    if count := proof.count("respelled"):
        yield f"{count:,} records stand in the folder in an older or another form and say the same."
