"""What an information governance officer needs on paper: who looked, letters, the pack, the downtime card."""
