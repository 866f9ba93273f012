-- name: cache
-- question: What did the cache do, and how much did it spare the origin?
-- params:
--   limit integer 1..100000 = 20: rows to return of each dimension
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per dimension and value, the most frequent of each
-- columns:
--   dimension varchar: status (the mix), content_type, path; if recorded
--   value varchar: its value: hit, miss, dynamic, … for a status
--   estimate bigint: requests that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   hit_share double: part of them served without asking the origin, 0 to 1
--   bytes bigint: bytes sent for them, weighted; null when not recorded
--   saved_bytes bigint: bytes that came from the cache, not from the origin, weighted
--   share double: part of all requests of the dimension, 0 to 1
-- needs: CacheCacheStatus
-- caveats: hits are those of Cache Analytics, see sql/macros/is_hit_status.sql
with
chosen as (
    select
        path,
        cache_status,
        content_type,
        weight::double as weight,
        excess_weight(weight) as excess,
        if(is_cache_hit, weight::double, 0) as hits,
        weight::double * bytes as bytes,
        if(is_cached_body_status(cache_status), 1, 0) * weight::double * bytes
            as saved_bytes
    from chosen_requests($capture, $label, $since, $until)
),
-- Paths are many: grouped once, each by itself; the other dimensions are few.
per_group as (
    select
        grouping(path) = 0 as is_path,
        path,
        cache_status,
        content_type,
        count(*) as size,
        sum(weight) as total,
        sum(excess) as excess,
        sum(hits) as hits,
        sum(bytes) as bytes,
        sum(saved_bytes) as saved_bytes
    from chosen
    group by grouping sets ((path), (cache_status, content_type))
),
per_value as (
    select
        *,
        unnest(
            if(
                is_path,
                [dimension('path', collapse_ids(path))],
                [
                    dimension('status', cache_status),
                    dimension('content_type', media_type(content_type))
                ]
            ),
            recursive := true
        )
    from per_group
),
counted as (
    select
        dimension,
        value,
        unnest(estimate_of(sum(total), sum(excess), sum(size), $confidence)),
        share(sum(hits), sum(total)) as hit_share,
        saturated(sum(bytes)) as bytes,
        saturated(sum(saved_bytes)) as saved_bytes
    from per_value
    group by dimension, value
)
select *, share(estimate, sum(estimate) over dimensions) as share
from counted
window dimensions as (partition by dimension)
qualify
    count(value) over dimensions > 0
    and row_number() over (
        partition by dimension order by estimate desc, sample_size desc, value
    ) <= $limit
order by dimension desc, estimate desc, sample_size desc, value
