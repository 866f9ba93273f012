-- name: bandwidth
-- question: How many bytes were sent, by which hosts, types and paths?
-- params:
--   limit integer 1..100000 = 20: rows to return of each dimension
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per dimension and value, the largest of each
-- columns:
--   dimension varchar: all, host, content_type, path; what was not recorded is left out
--   value varchar: its value; null for all
--   estimate bigint: bytes sent to clients
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   requests bigint: requests that they were sent for, weighted
--   bytes_per_request double: weighted mean
--   request_bytes bigint: bytes received from clients, weighted; null when not recorded
--   share double: part of all bytes, 0 to 1
-- needs: EdgeResponseBytes
-- caveats: few records of very different sizes make an interval too narrow
with
chosen as (
    select
        path,
        host,
        content_type,
        weight::double as weight,
        weight::double * bytes as total,
        excess_weight(weight) * bytes::double ** 2 as excess,
        bytes as known,
        weight::double * request_bytes as request_bytes
    from chosen_requests($capture, $label, $since, $until)
    where bytes is not null
),
-- Paths are many: grouped once, each by itself; the other dimensions are few.
per_group as (
    select
        grouping(path) = 0 as is_path,
        path,
        host,
        content_type,
        count(*) as size,
        sum(weight) as requests,
        sum(total) as total,
        sum(excess) as excess,
        sum(known) as known,
        sum(request_bytes) as request_bytes
    from chosen
    group by grouping sets ((path), (host, content_type))
),
per_value as (
    select
        *,
        unnest(
            if(
                is_path,
                [dimension('path', collapse_ids(path))],
                [
                    dimension('all', null),
                    dimension('host', host),
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
        unnest(sum_of(sum(total), sum(excess), sum(known), sum(size), $confidence)),
        saturated(sum(requests)) as requests,
        share(sum(total), sum(requests)) as bytes_per_request,
        saturated(sum(request_bytes)) as request_bytes
    from per_value
    group by dimension, value
)
select *, share(estimate, sum(estimate) over dimensions) as share
from counted
where sample_size > 0
window dimensions as (partition by dimension)
qualify
    (dimension = 'all' or count(value) over dimensions > 0)
    and row_number() over (
        partition by dimension order by estimate desc, sample_size desc, value
    ) <= $limit
order by dimension, estimate desc, sample_size desc, value
