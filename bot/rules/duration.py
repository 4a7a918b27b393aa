"""How long something took or has lasted, in the words of receipts, status and doctor."""

UNITS = ((86_400, "days"), (3_600, "h"), (60, "min"))


def describe_duration(seconds: float) -> str:
    """`12 s`, `5 min`, `3 h` or `8 days`: as exact as a person needs it, and never more than it was."""
    whole = max(0, round(seconds))
    for length, unit in UNITS:
        if whole >= 2 * length:
            return f"{whole // length} {unit}"
    return f"{whole} s"
