"""The numbers and codes that name a child, a school or a place: what a right one looks like, and what a wrong one is.

Every identifier has a module of its own with the same few questions: ``normalise`` takes away separators, ``check``
says what a value is and, when it cannot be used, why and what to do, ``parse`` does the same at a door by raising,
and ``check_many`` answers for a whole column at once. A wrong number is refused and never repaired: one digit away is
the other twin.
"""
