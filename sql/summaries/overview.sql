-- name: overview
-- question: What was recorded, how complete is it, and how did the zone fare?
-- params:
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
-- grain: one row
-- columns:
--   notes varchar: what limits the answer: gaps, coverage, sampling, rejects; or empty
--   captures bigint: captures in question
--   zones bigint: zones they are of
--   recorded bigint: records counted
--   estimate bigint: requests they stand for
--   requests_per_s double: estimate by second of recorded window; null with a range
--   first_request timestamptz: earliest start of a request
--   last_request timestamptz: latest start of a request
--   server_error_share double: share of requests answered with 5xx, 0 to 1
--   client_error_share double: share of requests answered with 4xx, 0 to 1
--   bytes bigint: bytes sent to clients, weighted
--   cache_hit_share double: share of requests served without asking the origin, 0 to 1
--   rejected bigint: lines that were no valid record, whole captures
--   window_s double: seconds that the captures were asked to cover
--   gap_count bigint: spans without a stream
--   gap_s double: their seconds
--   coverage double: recorded share of the windows, 0 to 1
-- needs: none
-- caveats: shares are null when their field was not recorded; gaps are not extrapolated
with
totals as (
    select
        count(*) as recorded,
        estimate(weight) as estimate,
        min(edge_start) as first_request,
        max(edge_start) as last_request,
        estimate_if(weight, status is not null) as answered,
        estimate_if(weight, status between 500 and 599) as server_errors,
        estimate_if(weight, status between 400 and 499) as client_errors,
        if(count(bytes) > 0, weighted_sum(weight, bytes), null) as bytes,
        estimate_if(weight, cache_status is not null) as cacheable,
        estimate_if(weight, is_cache_hit) as cache_hits,
        max(weight) as max_weight
    from requests
    where in_range(edge_start, $since, $until)
),
recordings as (
    select
        count(*) as captures,
        count(distinct zone_id) as zones,
        coalesce(sum(rejected), 0)::bigint as rejected,
        sum((epoch_us(window_end) - epoch_us(window_start)) / 1e6) as window_s,
        count(*) filter (where state = 'recording') as unfinished
    from captures
),
holes as (
    select count(*) as gap_count, coalesce(sum(duration_s), 0) as gap_s from gaps
)
select
    concat_ws(
        '; ',
        if(
            gap_count > 0,
            format(
                '{} gaps, {:.1f} s not recorded, coverage {:.1f} %',
                gap_count, gap_s, 100 * (1 - gap_s / nullif(window_s, 0))
            ),
            null
        ),
        if(unfinished > 0, format('{} captures unfinished', unfinished), null),
        if(max_weight > 1, 'sampled: counts are estimates', null),
        if(rejected > 0, format('{} lines rejected', rejected), null)
    ) as notes,
    captures,
    zones,
    recorded,
    estimate,
    if(
        $since is null and $until is null,
        estimate / nullif(window_s - gap_s, 0),
        null
    ) as requests_per_s,
    first_request,
    last_request,
    share(server_errors, answered) as server_error_share,
    share(client_errors, answered) as client_error_share,
    bytes,
    share(cache_hits, cacheable) as cache_hit_share,
    rejected,
    window_s,
    gap_count,
    gap_s,
    greatest(1 - gap_s / nullif(window_s, 0), 0) as coverage
from totals cross join recordings cross join holes
order by all
