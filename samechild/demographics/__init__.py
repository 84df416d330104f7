"""Names, dates, sex and addresses made comparable, with what was given kept beside what was made of it.

Agencies write the same child down differently: accents, hyphens, nicknames, day and month, a placeholder for a newborn.
Each question has a small pure function here that answers for one value; :mod:`~samechild.demographics.standardise`
asks it once for every distinct value of a column, so that a million records cost little more than their distinct names.
Nothing is guessed about a person from a name.
"""
