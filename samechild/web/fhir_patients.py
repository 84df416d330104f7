"""A child's core record written as a FHIR patient: the values chosen by the index's rules, for one reader.

Of a child whose whereabouts are hidden from the reader nothing is written that tells a place, whichever record says it:
no address, no practice, no telephone, and the patient bears the label R (restricted).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from samechild.index.core_fields import Claim
from samechild.index.drifting import sectors_of
from samechild.index.records import ChildRead, Held
from samechild.index.survivorship import Core, core_record, latest, status_of
from samechild.records import fields
from samechild.storage import Store
from samechild.web import fhir_resources as fhir

_NUMBERS = ("chi_number", "hc_number", "upn", "uln", "la_child_id")
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f]+|\s{2,}")


def merged_patient(found: ChildRead) -> fhir.Patient:
    """An identifier that was merged: inactive, and replaced by the child it leads to."""
    link = fhir.PatientLink(other=fhir.to_child(found.child), type="replaced-by")
    return fhir.Patient(id=found.asked, active=False, link=(link,))


def patient_of(store: Store, found: ChildRead, replaced: Sequence[str], now: datetime) -> fhir.Patient:
    """A child as a patient; ``replaced`` are identifiers that lead to it."""
    core = core_record(found.records, sectors_of(store), now.date())
    hidden = is_restricted(found.records)
    newest = latest(found.records)
    return fhir.Patient(
        id=found.child,
        meta=fhir.Meta(
            last_updated=newest.isoformat(timespec="milliseconds") if newest else "",
            profile=(fhir.UK_CORE_PATIENT,),
            security=(fhir.restricted() if hidden else fhir.unrestricted(),),
        ),
        identifier=_identifiers(found.child, core, hidden=hidden),
        active=found.state != "erased",
        name=_names(core, found.records),
        gender=_gender(core),
        birth_date=_birth_date(core),
        address=() if hidden else _addresses(core, found.records),
        general_practitioner=() if hidden else _practices(core),
        link=tuple(fhir.PatientLink(other=fhir.to_child(each), type="replaces") for each in replaced),
    )


def is_restricted(records: Sequence[Held]) -> bool:
    """Whether anything that tells a place is hidden from the reader in any of a child's records."""
    places = {name for name, field in fields().items() if field.location}
    return any(places & set(held.hidden) for held in records)


def _identifiers(child: str, core: Core, *, hidden: bool) -> tuple[fhir.Identifier, ...]:
    found = [fhir.Identifier(use="secondary", system=fhir.CHILD, value=child)]
    for chosen in core.of("nhs_number"):
        number = chosen.value.record.nhs_number
        if number:
            found.append(fhir.nhs_identifier(number, status_of(chosen.value)))
    for name in _NUMBERS:
        if hidden and fields()[name].location:
            continue
        for chosen in core.of(name):
            value = text(str(getattr(chosen.value.record, name) or ""))
            if value:
                found.append(fhir.Identifier(system=fhir.SYSTEM_OF[name], value=value))
    return tuple(found)


def _names(core: Core, records: Sequence[Held]) -> tuple[fhir.HumanName, ...]:
    names = []
    for chosen in core.of("name"):
        written = _written(chosen.value, records)
        given = [text(written.get("forename", "")), *text(written.get("middle_names", "")).split()]
        name = fhir.HumanName(
            use="official",
            text=text(chosen.value.text),
            family=text(written.get("surname", "")),
            given=tuple(part for part in given if part),
        )
        if name.text:
            names.append(name)
        names += [fhir.HumanName(use="old", family=text(former.text)) for former in chosen.former if text(former.text)]
    names += [
        fhir.HumanName(use="usual", given=(text(chosen.value.text),))
        for chosen in core.of("known_as")
        if text(chosen.value.text)
    ]
    return tuple(names)


def _written(claim: Claim, records: Sequence[Held]) -> dict[str, str]:
    return next((held.values for held in records if held.record_key == claim.record_key), {})


def _gender(core: Core) -> str:
    for chosen in core.of("sex"):
        return fhir.GENDERS.get(chosen.value.record.sex or "", "unknown")
    return ""


def _birth_date(core: Core) -> str:
    for chosen in core.of("date_of_birth"):
        record = chosen.value.record
        return record.date_of_birth or record.birth_month or record.birth_year or ""
    return ""


def _addresses(core: Core, records: Sequence[Held]) -> tuple[fhir.Address, ...]:
    found = []
    for chosen in core.of("address"):
        written = _written(chosen.value, records)
        line = text(written.get("address", ""))
        found.append(
            fhir.Address(
                use="home",
                line=(line,) if line else (),
                city=text(written.get("town", "")),
                postal_code=chosen.value.record.postcode or "",
            )
        )
    return tuple(each for each in found if each.line or each.city or each.postal_code)


def _practices(core: Core) -> tuple[fhir.Reference, ...]:
    codes = [text(chosen.value.record.gp_practice or "") for chosen in core.of("gp_practice")]
    return tuple(
        fhir.Reference(type="Organization", identifier=fhir.Identifier(system=fhir.ODS_CODE, value=code))
        for code in codes
        if code
    )


def text(value: str) -> str:
    """A value as FHIR takes text: without control characters and blanks around it."""
    return _NOT_TEXT.sub(" ", value).strip()
