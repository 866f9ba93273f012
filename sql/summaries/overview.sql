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
--   requests_per_s double: estimate by recorded second; null with a range, or unfinished
--   first_request timestamptz: earliest start of a request
--   last_request timestamptz: latest start of a request
--   server_error_share double: share of requests answered with 5xx, 0 to 1
--   client_error_share double: share of requests answered with 4xx, 0 to 1
--   bytes bigint: bytes sent to clients, weighted
--   cache_hit_share double: share of requests served without asking the origin, 0 to 1
--   rejected bigint: lines that were no valid record, whole captures
--   window_s double: seconds that the captures were asked to cover; null when not known
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
        sum(span_s) as window_s,
        sum(span_s * coverage) as covered_s,
        count(*) filter (where span_s is null) as unfinished
    from (
        select
            *,
            (epoch_us(window_end) - epoch_us(window_start)) / 1e6 as span_s
        from captures
    )
),
holes as (
    select count(*) as gap_count, coalesce(sum(duration_s), 0) as gap_s from gaps
)
select
    concat_ws(
        '; ',
        if(
            gap_count > 0 or covered_s < window_s,
            format(
                '{}, {:.1f} s not recorded, coverage {:.1f} %',
                how_many(gap_count, 'gap'),
                window_s - covered_s,
                100 * share(covered_s, window_s)
            ),
            null
        ),
        if(unfinished > 0, how_many(unfinished, 'capture') || ' unfinished', null),
        if(max_weight > 1, 'sampled: counts are estimates', null),
        if(rejected > 0, how_many(rejected, 'line') || ' rejected', null)
    ) as notes,
    captures,
    zones,
    recorded,
    estimate,
    if(
        $since is null and $until is null and unfinished = 0,
        share(estimate, covered_s),
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
    share(covered_s, window_s) as coverage
from totals cross join recordings cross join holes
order by all
