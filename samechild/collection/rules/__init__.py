"""The validation rules, each declared once with its own examples; related rules share a file."""
