"""What a zone's lease is called on a Prefect server.

Pure.
"""

from __future__ import annotations

__all__ = ["holder_name", "limit_name"]


def limit_name(zone_id: str) -> str:
    """Return the name of a zone's global concurrency limit."""
    return f"instant-logs:{zone_id}"


def holder_name(zone_id: str) -> str:
    """Return the name of the variable in which a zone's holder names itself.

    As Prefect allows: lower-case letters, digits and underscores.
    """
    safe = "".join(one if one.isalnum() else "_" for one in zone_id.lower())
    return f"instant_logs_holder_{safe}"
