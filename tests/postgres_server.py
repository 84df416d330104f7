"""A real PostgreSQL for the tests: one server for each run, template databases made once and copied.

Two test processes share one server: the first that needs it starts it, and a small watcher stops it when the run's own
process is gone, killed or not.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.engine import URL, make_url

from samechild.settings import Settings
from samechild.storage import Database, postgres
from samechild.storage.opening import bring_up

USER = "samechild_app"
"""Who the application signs in as: owns nothing, may take the six roles."""

NONE = "PostgreSQL is not here: set TEST_DATABASE_URL, or install its server (Debian: postgresql)"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@contextmanager
def databases(tables: Sequence[sa.MetaData], server: URL | None = None) -> Iterator[dict[str, str]]:
    """Make three databases with these tables and throw them away afterwards: ``gate_url`` and its two like."""
    server = server or shared_server()
    made = uuid.uuid4().hex[:12]
    with _owner(server) as owner:
        for database in Database:
            template = _template(server, database, tables)
            owner.exec_driver_sql(f'CREATE DATABASE "sc_{made}_{database}" TEMPLATE "{template}"')
            owner.exec_driver_sql(f'GRANT CONNECT ON DATABASE "sc_{made}_{database}" TO PUBLIC')
    try:
        yield {f"{database}_url": address(server, f"sc_{made}_{database}", USER) for database in Database}
    finally:
        with _owner(server) as owner:
            for database in Database:
                owner.exec_driver_sql(f'DROP DATABASE IF EXISTS "sc_{made}_{database}" WITH (FORCE)')


@contextmanager
def empty_databases(count: int = 2, owner_name: str = "") -> Iterator[list[str]]:
    """Make empty databases and throw them away afterwards; their addresses sign in as the superuser.

    ``owner_name`` is a new user who may make roles and owns them, but is no superuser.
    """
    server = shared_server()
    names = [f"sc_{uuid.uuid4().hex[:12]}" for _ in range(count)]
    with _owner(server) as owner:
        if owner_name:
            owner.exec_driver_sql(f'CREATE ROLE "{owner_name}" LOGIN CREATEROLE')
        for name in names:
            owner.exec_driver_sql(f'CREATE DATABASE "{name}"' + (f' OWNER "{owner_name}"' if owner_name else ""))
    try:
        yield [address(server, name) for name in names]
    finally:
        with _owner(server) as owner:
            for name in names:
                owner.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def address(server: URL, name: str, user: str = "") -> str:
    """The address of a database of a server, signing in as ``user`` (or as the server's superuser)."""
    url = server.set(database=name, username=user or server.username)
    return url.render_as_string(hide_password=False)


@contextmanager
def _owner(server: URL) -> Iterator[sa.Connection]:
    engine = postgres.owner_engine(server.render_as_string(hide_password=False))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


def _template(server: URL, database: Database, tables: Sequence[sa.MetaData]) -> str:
    """Make the database that others are copied from, once for each server and set of declarations."""
    digest = hashlib.sha256("".join(sorted(_described(tables))).encode()).hexdigest()[:12]
    name = f"sc_template_{digest}_{database}"
    lock = Path(str(server.query.get("host") or tempfile.gettempdir())) / "samechild-templates.lock"
    with FileLock(lock), _owner(server) as owner:
        if not owner.scalar(sa.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": f"{name}_made"}):
            owner.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            owner.exec_driver_sql(f'CREATE DATABASE "{name}"')
            _prepare(address(server, name, USER), server.username or "postgres", database, tables)
            owner.exec_driver_sql(f'ALTER DATABASE "{name}" RENAME TO "{name}_made"')
    return f"{name}_made"


def _prepare(url: str, owner: str, database: Database, tables: Sequence[sa.MetaData]) -> None:
    settings = Settings(home=Path(), gate_url=url, identity_url=url, content_url=url)
    engine = postgres.owner_engine(url, owner)
    with engine.begin() as connection:
        bring_up(connection, settings, database, tables)
    engine.dispose()


def _described(tables: Sequence[sa.MetaData]) -> list[str]:
    return [
        f"{table!r}{table.info}{sorted(str(index.name) for index in table.indexes)}"
        for declared in tables
        for table in declared.sorted_tables
    ]


def _run() -> str:
    """What names this run of the tests, the same in each of its processes."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())


def shared_server() -> URL:
    """The server of this run, started when it is the first time; skips the test when there is none."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return make_url(given)
    folder = Path(tempfile.gettempdir()) / f"samechild-postgres-{_run()}"
    with FileLock(f"{folder}.lock"):
        if not (folder / "ready").exists():
            start(folder, FAST)
            run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
            watcher = [sys.executable, __file__, str(folder), str(run)]
            subprocess.Popen(watcher, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            (folder / "ready").touch()
    return server_in(folder)


@contextmanager
def own_server() -> Iterator[Path]:
    """Start a server of a test's own that keeps what it commits (``fsync`` on), in a folder; stop it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="samechild-postgres-"))
    shutil.rmtree(folder)
    try:
        start(folder, ())
        yield folder
    finally:
        stop(folder)


def server_in(folder: Path) -> URL:
    """The address of the server in a folder, as its superuser."""
    return URL.create("postgresql+psycopg", username="postgres", database="postgres", query={"host": str(folder)})


def kill_server(folder: Path) -> None:
    """Kill every process of a server at once, as a power cut would, and take away its notes of being there."""
    main = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(main)], capture_output=True, text=True, check=False)
    everyone = [main, *map(int, children.stdout.split())]
    for pid in everyone:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while any(state_of(pid) not in ("", "Z") for pid in everyone):
        time.sleep(0.02)
    for note in (folder / "data" / "postmaster.pid", *folder.glob(".s.PGSQL.*")):
        note.unlink(missing_ok=True)


def state_of(pid: int) -> str:
    """What a process is doing: Z when it is dead and nobody has asked after it, empty when it is gone."""
    return subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout[:1]


def start(folder: Path, options: Sequence[str]) -> None:
    """Make a cluster in a new folder and start it on a unix socket there."""
    programs = _programs()
    folder.mkdir(mode=0o755)
    if os.getuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
    _as_postgres([programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"])
    start_again(folder, options)


def start_again(folder: Path, options: Sequence[str] = ()) -> None:
    """Start the server of a folder, after it was stopped or killed."""
    words = " ".join(["-c listen_addresses=", f"-c unix_socket_directories={folder}", "-c max_connections=300"])
    words += "".join(f" -c {option}" for option in options)
    _as_postgres([_programs() / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o", words, "start"])


def stop(folder: Path) -> None:
    """Stop the server of a folder and delete the folder."""
    if (folder / "data" / "postmaster.pid").exists():
        _as_postgres([_programs() / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop"])
    shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Where the server's programs are."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    for folder in found:
        if (folder / "pg_ctl").exists():
            return folder
    pytest.skip(NONE)


def _as_postgres(command: list[str | Path]) -> None:
    user = "postgres" if os.getuid() == 0 else None
    with tempfile.TemporaryFile() as said:  # a file, because a server started here would keep a pipe open
        ended = subprocess.run(command, user=user, cwd="/", stdout=said, stderr=said, check=False).returncode
        said.seek(0)
        assert ended == 0, said.read().decode()


def _watch(folder: Path, run: int) -> None:
    """Wait until the run of the tests is over, then stop the server."""
    while True:
        try:
            os.kill(run, 0)
        except OSError:
            break
        time.sleep(1)
    stop(folder)
    for lock in folder.parent.glob(f"{folder.name}.*"):
        lock.unlink(missing_ok=True)


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), int(sys.argv[2]))
