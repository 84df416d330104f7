"""The command line: parse what was asked, call one action, show the answer.

Every command ends with an exit code of :mod:`samechild.errors` and at most one clear message on standard error; none
shows a value of a child's record there. Each imports what it needs only when it runs, so that ``--help`` is quick.
"""
