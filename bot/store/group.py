"""Group commit: many callers' batches in one transaction, run on the writer's thread."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import TypeAlias, TypeVar

from bot.errors import TzurotError
from bot.store.engine import RawConnection, RawCursor, roll_back, transaction
from bot.store.statement import Bulk, Outcome, Statement, Value
from bot.store.translate import REFUSALS, check_text, translate, translated

Batch: TypeAlias = Sequence[Statement]
Result: TypeAlias = list[Outcome] | TzurotError
T = TypeVar("T")

logger = logging.getLogger(__name__)


class _GroupLostError(Exception):
    """The engine ended the whole transaction, not only the batch that failed."""


GROUP_FAILURES: tuple[type[Exception], ...] = (*REFUSALS, _GroupLostError)


def run_group(connection: RawConnection, slow_seconds: float, batches: Sequence[Batch]) -> list[Result]:
    """Run every batch, whole or not at all, in one COMMIT where that is possible.

    A batch that fails does not touch its neighbours. Nothing returned here was told to anyone before COMMIT.
    """
    if len(batches) == 1:
        return [_run_alone(connection, slow_seconds, batches[0])]
    # Nearly always no batch fails, and a SAVEPOINT for each costs a fifth of the throughput: so first without.
    with suppress(*REFUSALS):
        return _run_together(connection, batches, partial(run_batch, slow_seconds=slow_seconds))
    try:
        return _run_together(connection, batches, partial(_run_guarded, slow_seconds=slow_seconds))
    except GROUP_FAILURES:
        logger.warning("A group of %d batches failed as a whole; each now runs alone.", len(batches))
    return [_run_alone(connection, slow_seconds, batch) for batch in batches]


def _run_together(
    connection: RawConnection, batches: Sequence[Batch], run: Callable[[RawCursor, Batch], Result]
) -> list[Result]:
    cursor = connection.cursor()
    try:
        roll_back(connection)
        cursor.execute("BEGIN IMMEDIATE")
    except REFUSALS as error:
        return [translate(error) for _ in batches]
    try:
        results = [run(cursor, batch) for batch in batches]
        cursor.execute("COMMIT")
    finally:
        roll_back(connection)
    return results


def _run_guarded(cursor: RawCursor, batch: Batch, slow_seconds: float) -> Result:
    cursor.execute("SAVEPOINT batch")
    try:
        result: Result = run_batch(cursor, batch, slow_seconds)
    except REFUSALS as error:
        if not cursor.connection.in_transaction:
            raise _GroupLostError from error
        cursor.execute("ROLLBACK TO batch")
        result = translate(error)
    cursor.execute("RELEASE batch")
    return result


def _run_alone(connection: RawConnection, slow_seconds: float, batch: Batch) -> Result:
    try:
        roll_back(connection)
        with transaction(connection):
            return run_batch(connection.cursor(), batch, slow_seconds)
    except REFUSALS as error:
        return translate(error)


def run_batch(cursor: RawCursor, batch: Batch, slow_seconds: float) -> list[Outcome]:
    """Run the statements inside the transaction that is open; slow ones are logged without their values."""
    outcomes = []
    started = perf_counter()
    for statement in batch:
        cursor.execute(statement.sql, statement.parameters)
        if cursor.description is None:
            outcomes.append(Outcome([], cursor.rowcount))
        else:
            rows = cursor.fetchall()
            outcomes.append(Outcome(rows, len(rows)))
        ended = perf_counter()
        if ended - started > slow_seconds:
            log_slow(statement.sql, ended - started)
        started = ended
    return outcomes


def run_bulks(connection: RawConnection, bulks: Iterable[Bulk]) -> int:
    """Run every bulk in one transaction, taking parameter sets as they come; returns how many rows changed."""
    with translated():
        roll_back(connection)
        before = connection.total_changes
        with transaction(connection):
            for bulk in bulks:
                connection.executemany(bulk.sql, _checked(bulk.parameter_sets))
        return int(connection.total_changes - before)


def run_work(connection: RawConnection, work: Callable[[RawConnection], T]) -> T:
    """Run a function that uses the connection in one transaction; whatever it raises rolls everything back."""
    with translated():
        roll_back(connection)
        with transaction(connection):
            return work(connection)


def _checked(parameter_sets: Iterable[Mapping[str, Value]]) -> Iterator[Mapping[str, Value]]:
    for parameters in parameter_sets:
        check_text(parameters)
        yield parameters


def log_slow(sql: str, seconds: float) -> None:
    """Tell the operator which statement was slow; its parameters may hold what users wrote."""
    logger.warning("Slow statement, %.0f ms: %s", seconds * 1000, " ".join(sql.split()))
