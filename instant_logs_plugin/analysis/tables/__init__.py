"""Answers of queries as tables for people: labels, units, intervals."""
