"""``samechild serve``: the pages and the API of an installation, with the jobs that run beside them.

It listens on this machine's own address unless told otherwise: to be reached from elsewhere it stands behind something
that speaks https, and says so with the setting ``public_url``. What a crash left undone is finished before anything is
answered.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
import msgspec

from samechild.cli.progress import progress
from samechild.errors import Conflict, Invalid, Refused, SamechildError, Unavailable
from samechild.settings import Settings, settings_of

if TYPE_CHECKING:
    import sqlalchemy as sa

    from samechild.policy.sign_in.providers import Providers
    from samechild.storage import Store
    from samechild.web.visits import Demo

METRICS_TOKEN = "SAMECHILD_METRICS_TOKEN"
"""The environment variable with the token for reading /metrics from another machine."""

UPKEEP_SECONDS = 900
TURN_SECONDS = 0.0005
"""Seconds for which a thread that answers waits for one that works, each of the forty times in a request that it comes
back from the database: Python's switch interval, ten times shorter than usual."""

_LONGEST_HEAD = 16 * 1024


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="Folder of the installation [default: SAMECHILD_HOME].")
@click.option("--address", help="Where to listen, as HOST:PORT [default: the setting address].")
@click.option("--without-https", is_flag=True, help="Listen to other machines without https: in a test network only.")
def serve(home: Path | None, address: str | None, without_https: bool) -> None:
    """Show the pages of an installation, answer its API, and do its jobs. Ctrl-C ends it.

    \b
    Example:
      samechild serve --home /srv/samechild
    """
    from samechild.cli.tables import all_tables
    from samechild.storage import open_store

    settings = settings_of(home)
    if address:
        settings = msgspec.structs.replace(settings, address=address)
    check_reach(settings, without_https=without_https)
    with listening(settings.address) as listener:
        tables = all_tables()
        store = open_store(settings, tables)
        try:
            finish_what_was_begun(store, tables, datetime.now(UTC))
            told = settings.public_url or f"http://{settings.address}"
            run(store, settings, tables, listener, ready=lambda: click.echo(f"Shown at {told}   (Ctrl-C ends it)"))
        except KeyboardInterrupt:
            click.echo("Ended.", err=True)
        finally:
            store.close()


def check_reach(settings: Settings, *, without_https: bool) -> None:
    """Make sure that what other machines can reach is reached over https.

    Raises:
        Refused: when it would listen to other machines and people type no https address, unless told otherwise.
        Invalid: when the address people type is none.
    """
    from samechild.web.origins import is_loopback

    host_and_port(settings.address)
    typed = urlsplit(settings.public_url)
    if settings.public_url and (typed.scheme not in ("http", "https") or not typed.hostname or typed.path.strip("/")):
        raise Invalid("The setting public_url is an address such as https://gate.example.org, without a path.")
    here = is_loopback(settings.address) and (not settings.public_url or is_loopback(settings.public_url))
    if not here and typed.scheme != "https" and not without_https:
        raise Refused(
            "Other machines would reach it without https. Put it behind something that speaks https and set public_url "
            "to that address, or say --without-https in a test network."
        )


def host_and_port(address: str) -> tuple[str, int]:
    """Read ``HOST:PORT``.

    Raises:
        Invalid: when it is not that.
    """
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.path or parts.username is not None:
        raise Invalid("Give the address to listen at as HOST:PORT, such as 127.0.0.1:8000.")
    return host, port


@contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    """Take the address, so that one that cannot be had is told at once.

    Raises:
        Unavailable: when it is taken or not of this machine.
    """
    host, port = host_and_port(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=256)
    except OSError:
        raise Unavailable(f"The address {address} is taken or not of this machine: choose another.") from None
    with listener:
        yield listener


def finish_what_was_begun(store: Store, tables: Sequence[sa.MetaData], now: datetime) -> None:
    """Finish what was interrupted: erasures announced and not done, identities half closed, cases to be opened.

    Raises:
        Unavailable: when the databases or the ledger cannot be reached.
    """
    from samechild.collection.feeds import feeds_of
    from samechild.collection.purging import finish_purges
    from samechild.index.actions import finish_seals
    from samechild.index.erasing import follow_erasures
    from samechild.policy.people.actions import operator
    from samechild.policy.registers.actions import collect
    from samechild.policy.retention.erasure import finish_erasures

    finish_erasures(store, tables, now)
    follow_erasures(store, now)
    finish_seals(store, operator(), now)
    collect(store, now)
    for feed in feeds_of(store):
        finish_purges(store, feed, now)


def run(
    store: Store,
    settings: Settings,
    tables: Sequence[sa.MetaData],
    listener: socket.socket,
    *,
    demo: Demo | None = None,
    ready: Callable[[], object] = lambda: None,
) -> None:
    """Serve until told to stop, with a worker beside; ``ready`` is called once it listens."""
    from samechild.index.live import into_memory
    from samechild.web.app import Around, create_app
    from samechild.web.logs import log_to, quieten_others

    with progress() as say:
        into_memory(store, datetime.now(UTC), say)
    log = log_to()
    quieten_others()
    providers = _providers(settings)
    around = Around(log=log, metrics_token=os.environ.get(METRICS_TOKEN, ""), providers=providers)
    server = web_server(create_app(store, settings, demo=demo, around=around))
    stop = threading.Event()
    sys.setswitchinterval(TURN_SECONDS)
    worker = threading.Thread(target=do_jobs, args=(store, tables, stop, log), name="jobs", daemon=True)
    collector = threading.Thread(target=collect_daily, args=(store, tables, stop, log), name="collection", daemon=True)
    for thread in (worker, collector):
        thread.start()
    try:
        ready()
        server.run(sockets=[listener])
    finally:
        stop.set()
        for thread in (worker, collector):
            thread.join(timeout=30)
        if providers is not None:
            providers.close()


def demonstrate(
    home: Path, town: Path | None, listener: socket.socket, ready: Callable[[], object] = lambda: None
) -> None:
    """Serve a new installation in ``home`` with made-up people to pick, until told to stop; for ``samechild demo``.

    ``town`` is the folder that linking a made-up town wrote: its pages are shown under ``/town/``.

    Raises:
        Refused: when real people are known to the installation, or the listener is not on this machine's own address.
    """
    from samechild.cli.tables import all_tables
    from samechild.policy.sign_in.personas import make_personas
    from samechild.storage import open_store
    from samechild.web.visits import Demo

    host, port = listener.getsockname()[:2]
    settings = Settings(home=home, address=f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    tables = all_tables()
    store = open_store(settings, tables)
    try:
        now = datetime.now(UTC)
        make_personas(store, settings, now, os.urandom, now + timedelta(days=365))
        run(store, settings, tables, listener, demo=Demo(folder=town), ready=ready)
    finally:
        store.close()


def web_server(app: Any) -> Any:
    """The web server: no log of addresses, no name of its own in answers, no endless heads, no connection held idle."""
    import uvicorn

    from samechild.web.connections import Prompt

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=Prompt,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=["127.0.0.1", "::1"],
            h11_max_incomplete_event_size=_LONGEST_HEAD,
            limit_concurrency=256,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=10,
            lifespan="off",
        )
    )


def _providers(settings: Settings) -> Providers | None:
    if not settings.sign_in:
        return None
    from samechild.policy.sign_in.profiles import read_profiles
    from samechild.policy.sign_in.providers import Providers

    return Providers(read_profiles(Path(settings.sign_in)), os.environ)


def collect_daily(store: Store, tables: Sequence[sa.MetaData], stop: threading.Event, log: Any) -> None:
    """Merge, check and identify what councils send, as it comes, until ``stop`` is set."""
    from samechild.collection.processing import keep_up
    from samechild.storage import working

    while not stop.is_set():
        try:
            keep_up(store, tables, lambda: datetime.now(UTC), stop)
        except (Unavailable, Conflict):
            stop.wait(working.PAUSE)  # busy, or away for a moment: looked at again
        except Exception as error:  # one submission that cannot be worked off must not stop the others for good
            log.error("collection", kind=type(error).__name__)
            stop.wait(60)


def do_jobs(store: Store, tables: Sequence[sa.MetaData], stop: threading.Event, log: Any) -> None:
    """Do the jobs that are waiting until ``stop`` is set, and ask for the regular ones now and again."""
    from samechild.cli.work import a_worker, all_work, ask_for_upkeep
    from samechild.storage import working

    upkeep, work, worker = 0.0, all_work(tables), a_worker()
    while not stop.is_set():
        try:
            if time.monotonic() >= upkeep:
                ask_for_upkeep(store, datetime.now(UTC))
                upkeep = time.monotonic() + UPKEEP_SECONDS
            working.run_jobs(store, work, worker, stop, once=True)
        except (Unavailable, Conflict):
            stop.wait(working.PAUSE)  # busy, or away for a moment: looked at again
        except SamechildError as error:
            log.error("jobs", kind=type(error).__name__)
            stop.wait(60)
        stop.wait(working.PAUSE)
