"""Reading people's files and writing results they can open.

Councils, schools and health services send CSV, Excel, Parquet and JSON in every spelling of every heading. This room
turns whatever arrives into one table of text with declared columns, says plainly what it could not use, and writes
results that a spreadsheet opens safely. It keeps values exactly as given: making them comparable is a room of its own.
"""
