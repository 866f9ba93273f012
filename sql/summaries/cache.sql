-- name: cache
-- question: What did the cache do, and how much did it spare the origin?
-- params:
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
-- grain: one row per cache status
-- columns:
--   cache_status varchar: outcome: hit, miss, dynamic, …
--   is_cache_hit boolean: served without asking the origin
--   is_cached_body boolean: its bytes came from the cache (revalidated too)
--   recorded bigint: records
--   estimate bigint: requests they stand for
--   share double: their share of all requests, 0 to 1
--   bytes bigint: bytes sent for them, weighted; null when not recorded
--   bytes_share double: their share of all bytes, 0 to 1
-- needs: CacheCacheStatus
-- caveats: hits are those of Cloudflare's Cache Analytics, see sql/macros/is_hit_status.sql
with counted as (
    select
        cache_status,
        count(*) as recorded,
        estimate(weight) as estimate,
        if(count(bytes) > 0, weighted_sum(weight, bytes), null) as bytes
    from requests
    where in_range(edge_start, $since, $until)
    group by cache_status
)
select
    cache_status,
    is_hit_status(cache_status) as is_cache_hit,
    is_cached_body_status(cache_status) as is_cached_body,
    recorded,
    estimate,
    share(estimate, sum(estimate) over ()) as share,
    bytes,
    share(bytes, sum(bytes) over ()) as bytes_share
from counted
order by estimate desc, cache_status
