"""What a council sees of its own collection, and what whoever runs it may: every look decided and written down."""
