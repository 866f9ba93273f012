"""The right to hold a zone's one session."""
