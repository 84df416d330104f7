"""How long things are kept, what suspends disposal, and erasing a child so that nothing of it is left."""
