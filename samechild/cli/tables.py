"""The tables of every room, collected in the one place that may know them all."""

from __future__ import annotations

import sqlalchemy as sa


def all_tables() -> list[sa.MetaData]:
    """Every room's declared tables, in the order in which they are made."""
    from importlib import import_module
    from importlib.util import find_spec
    from pathlib import Path

    import samechild

    found: list[sa.MetaData] = []
    root = Path(samechild.__file__).parent
    names = ["keys.store", "storage.jobs", "storage.changes", "storage.vaults"]
    names += sorted(
        ".".join(path.relative_to(root).with_suffix("").parts) for path in root.glob("policy/**/*store*.py")
    )
    for name in names:
        try:
            if find_spec(f"samechild.{name}") is None:
                continue
            module = import_module(f"samechild.{name}")
        except (ImportError, SyntaxError, NameError):
            continue
        for value in vars(module).values():
            if isinstance(value, sa.MetaData) and "database" in value.info and value not in found:
                found.append(value)
    return found
