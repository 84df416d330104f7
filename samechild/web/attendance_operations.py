"""What schools' systems may ask: send the marks of the attendance register, day by day.

The same door as for children's social care: token, supplier key, receipts, errors as text or problem details, an
idempotency key, taking part of a request.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from samechild.collection.attendance.actions import receive
from samechild.collection.attendance.records import MOST_PUPILS
from samechild.collection.attendance.states import RETENTION
from samechild.collection.attendance.structure import read_register
from samechild.collection.receiving import let
from samechild.errors import Missing, Refused
from samechild.web.collection_operations import AUDIENCES, SENDING_HEADERS
from samechild.web.collection_sending import SUPPLIER_KEY, answer_of, sending_of
from samechild.web.collection_shapes import PartlyTaken, Refusal
from samechild.web.index_operations import asker_of
from samechild.web.limits import COLLECTION
from samechild.web.operations import JSON, REFS, Call, Named, Operation


def let_school_in(call: Call) -> None:
    """Ask whether a system may send a school's register, before anything of it is read.

    Raises:
        Refused: when it may not, also where there is no such feed.
    """
    try:
        let(
            call.shell.store,
            asker_of(call),
            sending_of(_of_school(call)),
            call.now,
            attendance=True,
            retention=RETENTION,
        )
    except Missing as error:
        raise Refused(str(error)) from None


def submit_register(call: Call) -> Response:
    """Take marks of a school's register: a receipt for each pupil, or why nothing was taken."""
    sending = sending_of(_of_school(call), read_register(call.raw))
    taken = receive(call.shell.store, asker_of(call), sending, call.now, call.shell.random)
    return answer_of(call, sending, taken)


def _of_school(call: Call) -> Call:
    """A feed of a school bears its URN."""
    return msgspec.structs.replace(call, named={"feed": call.named["urn"]})


ATTENDANCE_OPERATIONS = (
    Operation(
        method="POST",
        path=f"{COLLECTION}attendance/{{urn}}",
        name="submitRegister",
        title="Send marks of the attendance register",
        words=f"At most {MOST_PUPILS:,} pupils, each with the marks of some sessions: codes of the School Attendance "
        "(Pupil Registration) (England) Regulations 2024. A session sent again replaces what was sent before; `purge` "
        "erases a pupil. The answer is a receipt for each pupil, in the order sent.",
        act=submit_register,
        gives=list[str] | PartlyTaken,
        takes={JSON: {"type": "array", "maxItems": MOST_PUPILS, "items": {"$ref": REFS.format(name="Pupil")}}},
        before=let_school_in,
        named=(
            Named(
                name="urn",
                words="The school's URN, with `-sandbox` behind it for trying out.",
                schema={"type": "string", "pattern": "^[1-9][0-9]{5}(-sandbox)?$"},
            ),
        ),
        headers=SENDING_HEADERS,
        needed=(SUPPLIER_KEY,),
        errors=(409,),
        plain=True,
        refusals=Refusal,
        scope="submit",
        audiences=AUDIENCES,
        tag="collection",
    ),
)
