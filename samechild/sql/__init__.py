"""How values are written in a database's rows, and how many of them are asked for: alike on SQLite and PostgreSQL."""
