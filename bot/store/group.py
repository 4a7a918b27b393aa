"""Group commit: many callers' batches in one transaction, run on the writer's thread."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from time import perf_counter
from typing import TypeAlias, TypeVar

from bot.errors import TzurotError
from bot.store.engine import RawConnection, RawCursor, roll_back
from bot.store.statement import Outcome, Statement
from bot.store.touched import Touched, all_tables
from bot.store.translate import REFUSALS, translate, translated

Batch: TypeAlias = Sequence[Statement]
Result: TypeAlias = list[Outcome] | TzurotError
T = TypeVar("T")

CommitHook: TypeAlias = Callable[[RawConnection, frozenset[str]], AbstractContextManager[None]]
"""Entered on the writer's thread before COMMIT with the tables that the transaction changed, left after it.

What it raises rolls the whole group back, and every caller of the group is told.
"""

logger = logging.getLogger(__name__)


class _GroupLostError(Exception):
    """The engine ended the whole transaction, not only the batch that failed."""


GROUP_FAILURES: tuple[type[Exception], ...] = (*REFUSALS, _GroupLostError)


class Group:
    """Runs transactions on the writer's thread and ends them inside the hook, where there is one."""

    def __init__(self, slow_seconds: float, hook: CommitHook | None = None) -> None:
        self.slow_seconds = slow_seconds
        self._hook = hook
        self._touched = Touched()

    def run(self, connection: RawConnection, batches: Sequence[Batch]) -> list[Result]:
        """Run every batch, whole or not at all, in one COMMIT where that is possible.

        A batch that fails does not touch its neighbours. Nothing returned here was told to anyone before COMMIT.
        """
        if len(batches) == 1:
            return [self._run_alone(connection, batches[0])]
        # Nearly always no batch fails, and a SAVEPOINT for each costs a fifth of the throughput: so first without.
        with suppress(*REFUSALS):
            return self._run_together(connection, batches, run_batch)
        try:
            return self._run_together(connection, batches, _run_guarded)
        except GROUP_FAILURES:
            logger.warning("A group of %d batches failed as a whole; each now runs alone.", len(batches))
        return [self._run_alone(connection, batch) for batch in batches]

    def work(self, connection: RawConnection, work: Callable[[RawConnection], T]) -> T:
        """Run a function that uses the connection in one transaction; whatever it raises rolls everything back."""
        with translated():
            roll_back(connection)
            cursor = connection.execute("BEGIN IMMEDIATE")
            try:
                value = work(connection)
                self._commit(cursor, all_tables)
            finally:
                roll_back(connection)
        return value

    def _run_alone(self, connection: RawConnection, batch: Batch) -> Result:
        try:
            [result] = self._run_together(connection, [batch], run_batch)
        except REFUSALS as error:
            return translate(error)
        except TzurotError as error:  # the hook's
            return error
        return result

    def _run_together(
        self,
        connection: RawConnection,
        batches: Sequence[Batch],
        run: Callable[[RawCursor, Batch, float], Result],
    ) -> list[Result]:
        cursor = connection.cursor()
        try:
            roll_back(connection)
            cursor.execute("BEGIN IMMEDIATE")
        except REFUSALS as error:
            return [translate(error) for _ in batches]
        try:
            results = [run(cursor, batch, self.slow_seconds) for batch in batches]
            self._commit(cursor, partial(self._touched.by, batches, results))
        finally:
            roll_back(connection)
        return results

    def _commit(self, cursor: RawCursor, touched: Callable[[RawCursor], frozenset[str]]) -> None:
        if self._hook is None:
            cursor.execute("COMMIT")
            return
        with self._hook(cursor.connection, touched(cursor)):
            cursor.execute("COMMIT")


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


def log_slow(sql: str, seconds: float) -> None:
    """Tell the operator which statement was slow; its parameters may hold what users wrote."""
    logger.warning("Slow statement, %.0f ms: %s", seconds * 1000, " ".join(sql.split()))
