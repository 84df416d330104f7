"""``samechild conformance``: does a service that receives children's records do what its clients rely on?"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from samechild.cli.progress import progress
from samechild.errors import EXIT_FOUND_PROBLEMS, Invalid, Unavailable

if TYPE_CHECKING:
    import httpx

    from samechild.collection.conformance import Result

_STYLE = (
    "body{font-family:Arial,sans-serif;margin:2rem;color:#0b0c0c}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #b1b4b6;vertical-align:top}"
    "caption{text-align:left;font-weight:bold;font-size:1.4rem;margin-bottom:.5rem}"
    ".failed{color:#d4351c;font-weight:bold}.passed{color:#00703c}"
)


@click.command("conformance")
@click.option("--env", "env_file", type=click.Path(path_type=Path), default=Path(".env"), show_default=True)
@click.option("--endpoint", help="In place of API_ENDPOINT: the service's address, of its sandbox.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the results as JSON.")
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Write the results as a page.")
@click.option("--burst", type=click.IntRange(0, 10_000), default=0, help="Send so many requests to be told to wait.")
@click.option("--certificates", type=click.Path(path_type=Path), help="A PEM file of further authorities.")
@click.option("--proxy", default="", help="http://HOST:PORT [default: as the machine is set].")
@click.option("--anywhere", is_flag=True, help="Also where the address does not look like a sandbox.")
@click.pass_context
def conformance(
    context: click.Context,
    env_file: Path,
    endpoint: str | None,
    json_file: Path | None,
    html_file: Path | None,
    burst: int,
    certificates: Path | None,
    proxy: str,
    anywhere: bool,
) -> None:
    """Play every case of the specification against a service, with made-up children, and say which it passes.

    Ends with 1 when something that must or should be so is not. The children are purged at the end.

    \b
    Example:
      samechild conformance --endpoint https://csc.example.org/sandbox --html conformance.html
    """
    from samechild.collection.conformance import Kit, found_faults, play, refuse_unless_for_trying
    from samechild.collection.conformance_cases import all_cases
    from samechild.collection.send.config import credentials_of, read_env

    found = {**read_env(env_file), **os.environ, **({"API_ENDPOINT": endpoint} if endpoint else {})}
    credentials = credentials_of(found)
    if not anywhere:
        refuse_unless_for_trying(credentials)
    now = datetime.now(UTC)
    with _client(certificates, proxy) as client, progress() as say:
        kit = Kit(credentials, client, f"{now:%m%d%H%M%S}", burst=burst)
        results = play(kit, all_cases(), say)
    _show(results)
    _write(json_file, lambda: _as_json(results, credentials.api_endpoint, now))
    _write(html_file, lambda: _as_html(results, credentials.api_endpoint, now))
    if found_faults(results):
        context.exit(EXIT_FOUND_PROBLEMS)


def _client(certificates: Path | None, proxy: str) -> httpx.Client:
    import httpx

    from samechild.collection.send.connection import AGENT, proxy_at, trusted

    return httpx.Client(
        timeout=30.0,
        verify=trusted(certificates),
        proxy=proxy_at(proxy),
        follow_redirects=False,
        headers={"User-Agent": AGENT},
    )


def _show(results: list[Result]) -> None:
    about = ""
    for each in results:
        if each.about != about:
            about = each.about
            click.echo(f"\n{about[:1].upper()}{about[1:]}")
        seen = f": {each.seen}" if each.seen else ""
        click.echo(f"  {each.became.upper():<9} {each.name}  {each.weight:<6}  {each.expected}{seen}")
    click.echo("")
    for became, number in _counted(results).items():
        click.echo(f"{became:<10} {number:>4}")


def _counted(results: list[Result]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in results:
        counts[str(each.became)] = counts.get(str(each.became), 0) + 1
    return counts


def _write(path: Path | None, content: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(content(), encoding="utf-8")
    except FileNotFoundError:
        raise Invalid(f"The folder of {path} does not exist: make it first.") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be written ({error.strerror}).") from None
    click.echo(f"Written: {path}")


def _as_json(results: list[Result], address: str, now: datetime) -> str:
    from samechild.collection.records import SPECIFICATION

    told = {
        "specification": SPECIFICATION,
        "address": address,
        "when": now.isoformat(timespec="seconds"),
        "counts": _counted(results),
        "results": [msgspec.to_builtins(each) for each in results],
    }
    return json.dumps(told, indent=2) + "\n"


def _as_html(results: list[Result], address: str, now: datetime) -> str:
    """One page with one table, which any browser shows and a screen reader reads row by row."""
    from samechild.collection.records import SPECIFICATION

    rows = "".join(
        f'<tr><th scope="row">{escape(each.name)}</th><td>{escape(each.about)}</td><td>{each.weight}</td>'
        f'<td>{escape(each.expected)}</td><td class="{str(each.became).replace(" ", "-")}">{each.became}</td>'
        f"<td>{escape(each.seen)}</td></tr>\n"
        for each in results
    )
    counts = ", ".join(f"{number} {became}" for became, number in _counted(results).items())
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("Case", "About", "Weight", "Expected", "Was", "Seen"))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Conformance: {escape(address)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><main>\n'
        f"<h1>Conformance with specification {SPECIFICATION}</h1>\n<p>{escape(address)}, {now:%d %B %Y, %H:%M} UTC: "
        f"{counts}.</p>\n<table><caption>Every case</caption><thead><tr>{heads}</tr></thead><tbody>\n{rows}"
        "</tbody></table></main></body></html>\n"
    )
