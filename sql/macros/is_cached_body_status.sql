-- Whether the bytes of the answer came from Cloudflare's cache: as is_hit_status, and
-- "revalidated" too, which Cache Analytics counts so in its view of data transfer.
create or replace macro is_cached_body_status(cache_status) as
    cache_status in ('hit', 'stale', 'updating', 'stream_hit', 'revalidated')
