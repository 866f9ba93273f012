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
per_path as (
    select
        cache_status,
        content_type,
        path,
        count(*) as size,
        sum(weight) as total,
        sum(excess_weight(weight)) as excess,
        sum_if_known(weight, bytes) as bytes
    from chosen_requests($capture, $label, $since, $until)
    group by cache_status, content_type, path
),
simplified as (
    select
        * replace (
            collapse_ids(path) as path,
            lower(trim(split_part(content_type, ';', 1))) as content_type
        )
    from per_path
),
counted as (
    select
        case
            when grouping(cache_status) = 0 then 'status'
            when grouping(content_type) = 0 then 'content_type'
            when grouping(path) = 0 then 'path'
        end as dimension,
        coalesce(cache_status, content_type, path) as value,
        unnest(estimate_of(sum(total), sum(excess), sum(size), $confidence)),
        share(
            coalesce(sum(total) filter (where is_hit_status(cache_status)), 0),
            sum(total)
        ) as hit_share,
        saturated(sum(bytes)) as bytes,
        saturated(
            sum(if(is_cached_body_status(cache_status), bytes, 0))
                filter (where bytes is not null)
        ) as saved_bytes
    from simplified
    group by grouping sets ((cache_status), (content_type), (path))
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
