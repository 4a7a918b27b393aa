"""Lists that are shown page by page."""


def turn_to(number: int, total: int, length: int) -> tuple[int, int]:
    """Which page is meant, and how many there are; for one beyond an end, that end, and of nothing there is one."""
    pages = max(-(-total // length), 1)
    return min(max(number, 1), pages), pages
