"""How often what happens in social care: the shares and weights from which lives are drawn.

In the large they follow the statistics for 2024 to 2025 (Department for Education: Characteristics of children in
need; Children looked after in England including adoptions); how they are spread within a case is a modelling choice.
"""

from __future__ import annotations

WINDOW = 913
"""Days before today in which most cases begin: two and a half years."""
PATHS = {"nfa": 6, "assessed": 46, "plan": 22, "protected": 11, "looked after": 11, "left care": 4}
"""How many of a hundred children come to each, at the furthest."""
AGAIN = 0.226
"""Share of closed cases after which the child is referred again."""
CHILDREN_OF_A_TEAM, TEAM = 400, 12
"""Children of a team, open and closed cases together, and workers in it."""
SOURCES = {
    "6": 29, "2A": 20, "1A": 8, "3F": 6, "3E": 6, "5B": 6, "5A": 4, "5D": 4, "8": 5, "3A": 3, "3B": 2, "4": 2, "7": 3,
    "1B": 2, "9": 2, "2B": 2, "5C": 2, "1C": 1,
}  # fmt: skip
FACTORS = {
    "3B": 33, "4B": 33, "17A": 21, "16A": 18, "4A": 16, "1B": 15, "2B": 15, "3A": 14, "18C": 12, "5A": 8, "20": 10,
    "6A": 7, "2A": 5, "14A": 5, "15A": 5, "10A": 4, "11A": 3, "24A": 4, "13A": 2, "19C": 4, "7A": 3, "1A": 2, "5B": 3,
}  # fmt: skip
DISABILITIES = ("LD", "AUT", "BEH", "COMM", "MOB", "PC", "CON", "HEAR", "VIS", "INC", "HAND", "DDA")
HOMES = {"U6": 36, "U4": 20, "U1": 9, "U3": 9, "K2": 13, "P1": 5, "R1": 2, "U5": 3, "R2": 1}
OLDER_HOMES = {"U6": 28, "U4": 18, "U1": 7, "K2": 20, "K3": 22, "P1": 3, "S1": 1}
CHANGES = {"CARPL": 45, "CREQB": 16, "CREQO": 10, "LAREQ": 9, "CHILD": 6, "OTHER": 8, "STAND": 3, "CLOSE": 3}
ACTIVITIES = {"F5": 22, "F2": 18, "G5": 20, "G4": 12, "F1": 6, "P2": 5, "P5": 4, "G6": 5, "F4": 3, "P4": 1}
LODGINGS = {"U": 36, "D": 18, "B": 12, "Z": 9, "E": 6, "C": 4, "K": 4, "Y": 3, "S": 1, "X": 2, "R": 2, "T": 2}
ENDS = {"E4A": 24, "E4B": 8, "E13": 6, "E45": 6, "E46": 2, "E47": 4, "E41": 5, "E8": 8, "adopted": 9}
NEVER_MENDED = 0.4
"""Share of mistakes that nobody mends."""
