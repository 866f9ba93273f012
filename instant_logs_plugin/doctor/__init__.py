"""What could keep a zone from being recorded, looked at before it does."""
