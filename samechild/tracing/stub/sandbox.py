"""The few people whom the service's own published sandbox knows, so that its published examples can be tried here."""

from __future__ import annotations

from datetime import date

from samechild.tracing.stub.register import Address, Name, Register, Registered

BORN = date(2010, 10, 22)
JANE, JANET, MINIMAL = "9000000009", "9000000025", "9000000033"
NOT_FOUND, NOT_A_NUMBER = "9111231130", "9000000000"


def sandbox_people() -> list[Registered]:
    """Jane Smith (full), Janet Smythe (restricted) and a person of whom only the number is held."""
    leeds = ("1 Trevelyan Square", "Boar Lane", "City Centre", "Leeds", "West Yorkshire")
    jane = Registered(
        number=JANE,
        names=(Name("Smith", ("Jane",)),),
        born=BORN,
        sex="female",
        addresses=(Address("LS1 6AE", leeds),),
        practice="Y12345",
        phone="01632960587",
        email="jane.smith@example.com",
        birth_order=1,
        version=2,
    )
    janet = Registered(
        number=JANET,
        names=(Name("Smythe", ("Janet",)),),
        born=BORN,
        sex="female",
        addresses=(Address("LS1 6AE", leeds),),
        practice="Y12345",
        restricted=True,
        birth_order=1,
        version=2,
    )
    return [jane, janet, Registered(number=MINIMAL, version=2)]


def sandbox() -> Register:
    """The sandbox's people as a register of their own."""
    return Register(sandbox_people())
