"""What a council says about its sending: one TOML file, and the credentials in a ``.env`` beside it.

The names in the ``.env`` are those that councils' clients already load, so a council that sends with another client
changes nothing. A misspelt setting is refused by name: a setting that is silently not obeyed is worse than none.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from samechild.collection.records import MOST_CHILDREN
from samechild.errors import Invalid, Missing
from samechild.files.postcodes import NO_DIRECTORY, PostcodeDirectory, open_directory

NAMES = ("API_ENDPOINT", "TOKEN_ENDPOINT", "LA_CODE", "CLIENT_ID", "CLIENT_SECRET", "SCOPE", "SUPPLIER_KEY")
"""The credentials, by the names of the sector's clients (``data-to-insight/dfe-csc-api-data-flows``)."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Sending(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to send: ``[send]`` of the file. Paths are relative to the file's own folder."""

    mode: Literal["delta", "full"] = "delta"
    """``delta``: only what changed since it was last kept; ``full``: every changed child whole."""
    batch: int = MOST_CHILDREN
    """Children in one request, at most 100."""
    pause: float = 0.4
    """Seconds between two requests, at least."""
    tries: int = 5
    """How often one request is tried when the service is busy or cannot be reached."""
    timeout: float = 20.0
    """Seconds to wait for an answer."""
    deletions: Literal["report", "purge"] = "report"
    """What happens to children that were sent before and are no longer in the extract."""
    most_deleted: float = 5.0
    """Percent of the children sent before; when more are gone, nothing is purged without ``--allow-purge``."""
    steady_ids: bool = True
    """Whether ids of episodes, plans and so on stay the same; false: a change of nothing but such ids is no change."""
    long_ids: bool = False
    """Whether the service takes ids of children up to 36 characters, as the specification did before 1.0.1."""
    env: str = ".env"
    state: str = "submit-state.sqlite"
    key: str = ""
    """The key of the state file; empty: beside it, with ``.key`` behind its name."""
    reports: str = "submit-reports"
    proxy: str = ""
    """``http://HOST:PORT``; empty: as the machine is set (HTTPS_PROXY, or the system's setting on Windows)."""
    certificates: str = ""
    """A PEM file of further certificate authorities, for networks that inspect TLS."""


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one list of the payload comes from: ``[tables.NAME]``. One of file, table and query is given."""

    file: str = ""
    table: str = ""
    query: str = ""
    columns: dict[str, str] = {}
    """Field to column; a field that is left out is read from the column of its own name, when there is one."""
    codes: dict[str, dict[str, str]] = {}
    """For a field: the council's own code to the specification's."""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where children come from: ``[source]``. Either a database or a folder of files."""

    kind: Literal["tables", "ssd"] = "tables"
    database: str = ""
    """An SQLAlchemy URL, or ``env:NAME`` for one that stands in the environment or the .env."""
    schema: str = ""
    folder: str = ""
    missing: tuple[str, ...] = ("NULL",)
    """What stands in a file's cell that holds nothing."""
    without: tuple[str, ...] = ()
    """Tables of the Standard Safeguarding Dataset that the council does not keep."""
    months: int = 24
    """How long the history window is, from the 1 April before so many months ago."""
    postcodes: str = ""
    """A postcode directory that ``samechild postcodes load`` wrote; empty: distances are not checked."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole ``submit.toml``, and the folder it lies in."""

    send: Sending = Sending()
    source: Source = Source()
    tables: dict[str, Table] = {}
    folder: Path = Path()

    def beside(self, name: str) -> Path:
        """A path as the file means it: relative to its own folder."""
        return (self.folder / name).absolute()

    @property
    def state(self) -> Path:
        """The file in which stands what was sent."""
        return self.beside(self.send.state)

    @property
    def key(self) -> Path:
        """The file with the key of the state file."""
        return self.beside(self.send.key) if self.send.key else self.state.with_name(f"{self.state.name}.key")


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a client needs to be let in. Does not print itself."""

    api_endpoint: str
    token_endpoint: str
    la_code: str
    client_id: str
    client_secret: str
    scope: str
    supplier_key: str

    def __repr__(self) -> str:
        return "Credentials(hidden)"

    @property
    def address(self) -> str:
        """Where children are sent."""
        return f"{self.api_endpoint.rstrip('/')}/children_social_care_data/{self.la_code}/children"


def read_config(path: Path) -> Config:
    """Read ``submit.toml``.

    Raises:
        Missing: when there is no such file.
        Invalid: when it is not TOML, names something unknown, or contradicts itself.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise Missing(f"There is no {path}: `samechild submit example` shows one to start from.") from None
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{path.name} is not valid TOML: {error}.") from None
    except (OSError, UnicodeDecodeError):
        raise Invalid(f"{path} cannot be read: save it as UTF-8 text.") from None
    if "folder" in found:
        raise Invalid(f'{path.name}: "folder" belongs under [source].')
    try:
        config = msgspec.convert(found, Config)
    except msgspec.ValidationError as error:
        raise Invalid(f"{path.name}: {error}.") from None
    config = msgspec.structs.replace(config, folder=path.absolute().parent)
    _check(path.name, config)
    return config


def _check(name: str, config: Config) -> None:
    """Refuse settings that contradict each other or lie outside what the specification allows."""
    send, source = config.send, config.source
    if not 1 <= send.batch <= MOST_CHILDREN:
        raise Invalid(f"{name}: batch is between 1 and {MOST_CHILDREN}.")
    if not (0 <= send.pause <= 60 and 1 <= send.tries <= 20 and 1 <= send.timeout <= 300):
        raise Invalid(f"{name}: pause is 0 to 60 seconds, tries 1 to 20, timeout 1 to 300 seconds.")
    if not 0 <= send.most_deleted <= 100:
        raise Invalid(f"{name}: most_deleted is a percentage, 0 to 100.")
    if not 1 <= source.months <= 600:
        raise Invalid(f"{name}: months is 1 to 600.")
    if source.database and source.folder:
        raise Invalid(f"{name}: [source] names a database and a folder: leave one of them out.")
    if source.kind == "ssd":
        if config.tables:
            raise Invalid(f'{name}: kind = "ssd" knows its tables; leave [tables] out.')
        if not (source.database or source.folder):
            raise Invalid(f"{name}: [source] names neither a database nor a folder of files.")
        return
    for table, given in config.tables.items():
        if sum(map(bool, (given.file, given.table, given.query))) != 1:
            raise Invalid(f"{name}: [tables.{table}] gives one of file, table and query.")
        if (given.table or given.query) and not source.database:
            raise Invalid(f"{name}: [tables.{table}] asks a database, and [source] names none.")


def read_env(path: Path) -> dict[str, str]:
    """Read the ``NAME=value`` lines of a ``.env``; quotes around a value are taken off. No file: nothing.

    Raises Invalid when it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError):
        raise Invalid(f"{path} cannot be read: save it as UTF-8 text.") from None
    found = {}
    for line in text.splitlines():
        match = re.match(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$", line)
        if match:
            found[match[1]] = _unquoted(match[2])
    return found


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return re.split(r"\s+#", value)[0]


def surroundings(config: Config, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The ``.env`` and the environment together; the environment wins."""
    return {**read_env(config.beside(config.send.env)), **environment}


def credentials_of(found: Mapping[str, str]) -> Credentials:
    """The credentials in the surroundings.

    Raises Invalid naming what is not there, or what is not an address that secrets may be sent to.
    """
    absent = [name for name in NAMES if not found.get(name, "").strip()]
    if absent:
        raise Invalid(f"Not in the environment or the .env: {', '.join(absent)}. They come with the credentials.")
    values = {name.lower(): found[name].strip() for name in NAMES}
    if not re.fullmatch(r"\d{3}", values["la_code"]):
        raise Invalid("LA_CODE is the authority's number of three digits.")
    for name in ("api_endpoint", "token_endpoint"):
        _refuse_open(name.upper(), values[name])
    for name in ("supplier_key", "client_id"):
        if not (values[name].isascii() and values[name].isprintable()):
            raise Invalid(f"{name.upper()} holds a character that no key has: copy it again.")
    return Credentials(**values)


def _refuse_open(name: str, address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return
    if parts.scheme != "https" or not parts.hostname or parts.username:
        raise Invalid(f"{name} is not an https:// address: secrets and children's records go nowhere else.")


def postcodes_of(config: Config) -> PostcodeDirectory:
    """The postcode directory that the settings name, or one that knows nothing. Raises Missing or Invalid."""
    named = config.source.postcodes
    return open_directory(config.beside(named)) if named else NO_DIRECTORY
