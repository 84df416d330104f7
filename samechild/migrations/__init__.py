"""How each of the three databases came to be as it is: plain steps, only ever forward, one folder for each database.

A step is written by ``scripts/new_migration.py`` from what the rooms declare and then read by a person. A step that
was shipped is never changed.
"""
