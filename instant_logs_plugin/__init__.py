"""A bounded recorder for Cloudflare Instant Logs, as a Prefect plugin."""
