"""What an installation has agreed with the NHS: only with an agreement named does anything go out by itself.

The file is named by the setting ``nhs``. Without it, trace files are written for a person to upload, and read when the
person has the answer: no connection is ever opened. An example::

    agreement = "NIC-000000, automatic tracing, until 2027-03-31"

    [mesh]
    address = "https://mesh-sync.spineservices.nhs.uk"
    mailbox = "X26OT000"
    service = "X26OT999"
    password = "env:SAMECHILD_MESH_PASSWORD"
    shared_key = "env:SAMECHILD_MESH_KEY"
    certificate = "/srv/samechild/mesh.crt"
    private_key = "/srv/samechild/mesh.key"

    [pds]
    application = "the API key"
    key_id = "samechild-1"
    private_key = "file:/srv/samechild/pds.pem"
    organisation = "RZZ99"

Source: NHS England: the PDS MESH service is meant for use by hand; sending by itself needs an agreement.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from samechild.errors import Invalid
from samechild.tracing.mesh_file import REQUEST_WORKFLOW, RESPONSE_WORKFLOW
from samechild.tracing.pds_access import is_loopback


class MeshAccess(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the Message Exchange is reached. Secrets are named, never written: ``env:NAME`` or ``file:PATH``.

    ``service`` is the mailbox of the tracing service. ``control_row``: the older service's form of the file.
    ``longest_part``: messages are cut into parts of so many bytes. ``lost_after_days``: then a round is asked again.
    """

    address: str
    mailbox: str
    service: str
    password: str
    shared_key: str
    certificate: str = ""
    private_key: str = ""
    authority: str = ""
    workflow: str = REQUEST_WORKFLOW
    answer_workflow: str = RESPONSE_WORKFLOW
    control_row: bool = False
    longest_part: int = 20 * 2**20
    lost_after_days: int = 7


class Nhs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The agreement, and how the services are reached under it. ``pds`` is read by its own rules."""

    agreement: str
    mesh: MeshAccess | None = None
    pds: dict[str, Any] = {}


def read_nhs(path: Path) -> Nhs:
    """Read the file that the setting ``nhs`` names.

    Raises:
        Invalid: when it cannot be read, names no agreement, or would send anything over an unprotected connection.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Invalid(f"{path.name} cannot be read as TOML: mend it, or take the setting nhs away.") from None
    return nhs_of(given, path.name)


def nhs_of(given: Mapping[str, Any], name: str) -> Nhs:
    """Check what such a file says.

    Raises:
        Invalid: as :func:`read_nhs`.
    """
    try:
        read = msgspec.convert(dict(given), Nhs)
    except msgspec.ValidationError as error:
        raise Invalid(f"{name} cannot be used: {error}.") from None
    if not read.agreement.strip():
        raise Invalid(f"{name} names no agreement with the NHS: without one, trace files go by hand.")
    mesh = read.mesh
    if mesh is None:
        return read
    here = is_loopback(mesh.address)
    wrong = {
        "address must begin with https": not here and not mesh.address.startswith("https://"),
        "certificate and private_key are needed": not here and not (mesh.certificate and mesh.private_key),
        "password must be env:NAME or file:PATH": not mesh.password.startswith(("env:", "file:")),
        "shared_key must be env:NAME or file:PATH": not mesh.shared_key.startswith(("env:", "file:")),
        "longest_part is from 1 to 100 million bytes": not 0 < mesh.longest_part <= 10**8,
        "lost_after_days is from 1 to 60": not 0 < mesh.lost_after_days <= 60,
    }
    for words, holds in wrong.items():
        if holds:
            raise Invalid(f"{name}, [mesh]: {words}.")
    return read
