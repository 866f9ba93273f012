"""Prefect flows, thin: what a schedule or a pipeline runs."""
