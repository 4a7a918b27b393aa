"""What the whole suite takes from the command line, and from the machine."""

import ctypes
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The same examples in each run: what fails here fails on every machine.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")

CAPABILITY_VERSION_3 = 0x20080522
DAC_OVERRIDE, DAC_READ_SEARCH = 1 << 1, 1 << 2


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=None, help="how often the kill test kills its writer")
    parser.addoption("--every-step", action="store_true", help="kill starts at each of their steps, not at a share")


@pytest.fixture
def obeying_permissions() -> Iterator[None]:
    """Let root be refused by a file's mode like everybody else, in this thread and those that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    effective = sets[0]
    sets[0] = effective & ~(DAC_OVERRIDE | DAC_READ_SEARCH)
    assert libc.capset(header, sets) == 0
    yield
    sets[0] = effective
    assert libc.capset(header, sets) == 0
