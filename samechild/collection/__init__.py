"""Takes councils' daily children's social care records: receives, keeps, merges, checks and shows each its own errors.

A receipt means that a record is kept. What was received is sealed as it came; what the pages, the rules and the rooms
above see is merged from it and can be rebuilt from it. Each council's children are told apart in its own index space.
"""
