"""A synthetic town: families, the files their agencies keep about the children, and the truth in a separate folder.

Nobody may practise on real children's records, so linkage is tried, taught and measured here. How families live and
how agencies write them down is set in one committed file, ``rates.toml``; every child, number and address is made up.
"""

from samechild.town.actions import make_town, town_blocks, write_town
from samechild.town.rates import Rates, load_rates
from samechild.town.records import Town
from samechild.town.truth import indistinguishable_twin_sets

__all__ = ["Rates", "Town", "indistinguishable_twin_sets", "load_rates", "make_town", "town_blocks", "write_town"]
