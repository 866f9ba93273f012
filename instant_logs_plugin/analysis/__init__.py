"""Answers: SQL over captures."""
