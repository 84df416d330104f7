"""Signing in: who a person or a system is, in which role, and for how long; on the server, so that it ends at once.

People sign in with an account of this installation or through their organisation's own provider (DfE Sign-in, NHS
CIS2, Entra ID), systems with a secret or a key of their own. Every request reads again what was given and taken away:
a leaver is out within the second.
"""
