"""What children and families decided about sharing, and what was recorded where a duty set it aside."""
