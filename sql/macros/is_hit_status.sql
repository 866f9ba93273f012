-- Whether a cache status means that the answer came from Cloudflare without asking the
-- origin, as Cloudflare's Cache Analytics counts requests "served by Cloudflare":
-- "revalidated" had to ask the origin, so it counts as served by the origin there
-- (support.cloudflare.com, "Understanding Cache Analytics", "Review cache status").
create or replace macro is_hit_status(cache_status) as
    cache_status in ('hit', 'stale', 'updating', 'stream_hit')
