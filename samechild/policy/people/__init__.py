"""Organisations, the people and machines who work in them, and the roles they hold from when to when."""
