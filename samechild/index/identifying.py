"""One record arrives: which child is it of? Joined, new, or put to a person, with the evidence.

What people ruled outranks every score, a closed identity gains nothing, and whoever is joined can be parted again.
The answer is the same as when all records had been linked together, within bounds that are measured
(``docs/benchmarks.md``). The commit point is one transaction of the identity vault; what precedes it leaves nothing
behind that matters, and sending a record again changes nothing.
"""

from __future__ import annotations

UNBORN = "unborn"
