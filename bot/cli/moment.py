"""Times as people type them on the command line."""

from datetime import UTC, datetime

import click

from bot.store.columns import to_text

EXAMPLES = "for example 2026-11-23T10:00, '2026-11-23 10:00:05' or 2026-11-23T11:00:00+01:00"


class Moment(click.ParamType[datetime]):
    """A time that is not in the future; without a zone it is UTC."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time as an aware `datetime` in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value.strip().upper())
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; give one, {EXAMPLES}.", param, ctx)
        if moment > datetime.now(UTC):
            self.fail(f"{to_text(moment)} is in the future.", param, ctx)
        return moment
