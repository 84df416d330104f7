"""The dozen things an installation may set, each with a default: everything runs with no settings at all.

Read from ``samechild.toml`` in the home folder, then from environment variables (``SAMECHILD_`` and the name in
capitals), which win. Thresholds, purposes and rules are not settings; they are data that people review.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from samechild.errors import Invalid

FILE = "samechild.toml"
PREFIX = "SAMECHILD_"
DEFAULT_HOME = "samechild-home"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an installation may set; ``home`` is the one folder in which everything it keeps lies."""

    home: Path
    gate_url: str = ""
    """The gate's database; empty: SQLite in the home folder. PostgreSQL: ``postgresql://HOST/NAME``."""
    identity_url: str = ""
    """The identity vault, likewise."""
    content_url: str = ""
    """The content vault, likewise."""
    root_key: str = ""
    """Where the root key is: ``file:PATH``, ``env:NAME`` or ``command:WORDS``; empty: ``root.key`` in home."""
    witness: str = ""
    """A folder outside home for the ledger's checkpoints; empty: beside home, with ``-witness`` after its name."""
    encrypted: bool = False
    """Whether SQLite databases are SQLCipher ones (needs the ``encrypted`` extra)."""
    address: str = "127.0.0.1:8000"
    """Where ``samechild serve`` listens."""
    public_url: str = ""
    """The address people type; empty: made from ``address``."""
    sign_in: str = ""
    """A TOML file that names the organisation's own sign-in providers; empty: local accounts."""
    nhs: str = ""
    """A TOML file that names the agreement with the NHS and how its services are reached; empty: files by hand."""
    idle_minutes: int = 20
    """A person who does nothing for so long is signed out."""
    signed_in_hours: int = 10
    """Nobody stays signed in longer than this."""
    collect_path: str = ""
    """A path under which councils' daily records are taken too, such as ``/children-in-social-care/1``."""
    postcodes: str = ""
    """A postcode directory that ``samechild postcodes load`` wrote; empty: ``postcodes.arrow`` in home, if there."""

    @property
    def postcodes_file(self) -> Path:
        """Where a postcode directory lies, when there is one."""
        return Path(self.postcodes) if self.postcodes else self.home / "postcodes.arrow"

    @property
    def witness_folder(self) -> Path:
        """The folder outside home that also receives the ledger's checkpoints."""
        return Path(self.witness) if self.witness else self.home.with_name(f"{self.home.name}-witness")


def settings_of(home: str | os.PathLike[str] | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of an installation: ``home``, else ``SAMECHILD_HOME``, else a folder in the current one.

    Raises:
        Invalid: when the file cannot be read, names something unknown or gives a value of the wrong kind.
    """
    folder = Path(home or environment.get(f"{PREFIX}HOME") or DEFAULT_HOME).absolute()
    given: dict[str, object] = {}
    path = folder / FILE
    if path.exists():
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise Invalid(f"{path} cannot be read as TOML: mend it, or move it away to use the defaults.") from None
    for name in Settings.__struct_fields__:
        value = environment.get(PREFIX + name.upper())
        if value is not None and name != "home":
            given[name] = value
    try:
        return msgspec.convert({**given, "home": str(folder)}, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise Invalid(f"A setting in {path} or the environment cannot be used: {error}.") from None


def _path(kind: type, value: object) -> object:
    return Path(str(value)) if kind is Path else value
