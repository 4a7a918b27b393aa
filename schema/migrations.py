"""Registers the numbered modules beside this file, in order.

An operator lists or applies them with `sqlite-utils migrate DB schema/migrations.py [--list]`;
the program applies them at start when one is pending.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from sqlite_utils import Migrations

migrations = Migrations("tzurot")


def _register(path: Path) -> None:
    spec = spec_from_file_location(f"schema.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    migrations(name=path.stem)(module.migrate)


for _path in sorted(Path(__file__).parent.glob("[0-9][0-9][0-9][0-9]_*.py")):
    _register(_path)
