"""Same child or not: finding the records of one child in many agencies' files, and saying how sure that is.

Pairs worth comparing are found, compared and weighed; groups of records grow from the surest pairs, under rules that
keep twins, and an adopted child's two identities, apart; what stays open is a question for a person.
:mod:`samechild.linkage.reference` says in plain Python what the right answer is; :mod:`samechild.linkage.actions` does
the whole work.
"""
