"""The service: its words, its API, its stream."""
