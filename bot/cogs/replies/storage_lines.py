"""What users and the owner read in Discord of where the state is kept; folders and keys are the operator's alone."""

from collections.abc import Iterator
from datetime import datetime

from bot.rules.operation.standing import Standing
from bot.rules.wording import counted

SHOWN = 3
IN_FILES = "It is kept in JSON files."
IN_STEP = "JSON files follow it, and are in step."


def describe_storage(standing: Standing) -> Iterator[str]:
    """Nothing where the database alone is served and nothing is kept beside it."""
    if standing.mode == "json":
        yield IN_FILES
    elif standing.follows:
        yield _describe_files(standing)
    if standing.mismatches:
        yield _describe_mismatches(standing)
    elif standing.compared:
        yield f"{standing.compared:,} reads were compared with those files, and none was answered differently."
    if standing.imported:
        differences = standing.imported.differences
        found = f"⚠️ **{differences:,} records differed** afterwards" if differences else "afterwards nothing differed"
        yield f"The last import was {_when(standing.imported.at)}; {found}."
    if standing.kept and standing.kept.days_left:
        yield f"The JSON files of before stay for {standing.kept.days_left} days more."


def _describe_files(standing: Standing) -> str:
    if standing.folder_problem:
        return "🔴 JSON files should follow it, but whose they are can't be read."
    if standing.folder is None:
        return "⚠️ JSON files should follow it, but there are none yet."
    if standing.is_foreign:
        return "🔴 JSON files should follow it, but those that are there belong to another database."
    if standing.error:
        since = f" since {_when(standing.failed_at)}" if standing.failed_at else ""
        return (
            f"🔴 The JSON files are behind by at least {counted(standing.behind, 'change')}{since}. {_reason(standing)}"
            " Nothing is lost, and I try again until it works."
        )
    if standing.changed:
        return "⚠️ JSON files follow it, but another program has changed some of them."
    behind = f"JSON files follow it, at least {counted(standing.behind, 'change')} behind."
    return behind if standing.behind else IN_STEP


def _reason(standing: Standing) -> str:
    """The first sentence, with the folder left out."""
    told = (standing.error or "").replace(f"{standing.path}/", "").replace(standing.path, "the folder")
    return told.partition(". ")[0].rstrip(".") + "."


def _describe_mismatches(standing: Standing) -> str:
    tables = ", ".join(f"{one.table} ({one.reads:,})" for one in standing.mismatches[:SHOWN])
    more = ", …" if len(standing.mismatches) > SHOWN else ""
    return (
        f"🔴 The JSON files would have **answered differently** when I read {tables}{more}; `tzurot status` has more."
    )


def _when(moment: datetime) -> str:
    return f"<t:{int(moment.timestamp())}:R>"
