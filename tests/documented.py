"""What is tried on an operation, from its own document: bodies as it describes them, and bodies that break it."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis.specs.openapi.schemas import OpenApiSchema

TAKEN = ["2xx", "3xx", "401", "403", "404", "409", "413", "429"]
"""How a body that keeps to the document is answered. It may be too large (413), which no document can say of it."""

REFUSED = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"]
"""How a body that breaks it is answered."""


def tried(described: dict[str, Any], **phases: Any) -> OpenApiSchema:
    """The tool's own schema of a document, with how answers are judged."""
    checks = {
        "positive_data_acceptance": {"expected-statuses": TAKEN},
        "negative_data_rejection": {"expected-statuses": REFUSED},
    }
    config = schemathesis.Config.from_dict({"checks": checks, "phases": phases})
    return schemathesis.openapi.from_dict(described, config=config)
