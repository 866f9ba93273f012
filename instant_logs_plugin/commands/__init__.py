"""The verbs of the command line; ``instant_logs_plugin.cli`` puts them together.

Modules here import what is heavy inside their commands: ``instant-logs --help``
loads none of it.
"""
