"""Every file of a JSON folder: the original's in one of its formats, and the rest."""

from bot.store.files.plan import Format, Plan
from bot.store.files.rest.writing import rest_plans
from bot.store.legacy.encoding import plans


def all_plans(format: Format) -> tuple[Plan, ...]:  # noqa: A002 - the settings call it that
    """What writes the folder in this format."""
    return (*plans(format), *rest_plans())
