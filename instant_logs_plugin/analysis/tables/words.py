"""Words for the names that queries use.

Pure.
"""

from __future__ import annotations

__all__ = ["DIMENSIONS", "MEASURES", "TITLES", "sentence", "title_of"]

TITLES = {
    "overview": "Overview",
    "timeline": "Traffic over time",
    "status": "Statuses",
    "errors": "Errors",
    "top_paths": "Paths",
    "top_hosts": "Hosts",
    "latency": "Response times",
    "cache": "Cache",
    "bandwidth": "Bandwidth",
    "methods_protocols_tls": "Methods, protocols, TLS",
    "countries": "Countries",
    "colos": "Data centres",
    "asns": "Networks",
    "top_clients": "Client addresses",
    "devices_agents": "Devices and agents",
    "bots": "Bots",
    "security": "Security",
    "workers": "Workers",
    "data_quality": "Quality of the data",
}
"""Titles of the known summaries, in the order of the report."""

DIMENSIONS = {
    "all": "All traffic",
    "colo": "Data centre",
    "js_detection": "JavaScript detection",
    "tls": "TLS",
}
"""Dimensions that need other words than their names."""

MEASURES = {
    "edge_ttfb": "First byte at the edge",
    "client_rtt": "Round trip to the client",
    "origin": "Answer of the origin",
    "origin_dns": "Origin: name lookup",
    "origin_tcp": "Origin: TCP handshake",
    "origin_tls": "Origin: TLS handshake",
    "origin_send": "Origin: request sent",
    "origin_wait": "Origin: headers received",
}
"""Known measures of the summary ``latency``."""


def title_of(name: str) -> str:
    """Return a summary's title."""
    return TITLES.get(name) or sentence(name)


def sentence(name: str) -> str:
    """Return a name as the beginning of a sentence: ``top_paths`` is ``Top paths``."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
