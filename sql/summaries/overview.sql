-- name: overview
-- question: What was recorded, how complete is it, and how did the zone fare?
-- params:
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row
-- columns:
--   notes varchar: what limits the answer: gaps, coverage, sampling, rejects; or empty
--   captures bigint: captures in question
--   zones bigint: zones they are of
--   estimate bigint: requests that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   requests_per_s double: by recorded second; null with a range, or unfinished
--   first_request timestamptz: earliest start of a request
--   last_request timestamptz: latest start of a request
--   server_error_share double: part of requests answered with 5xx, 0 to 1
--   server_error_lower double: lower bound of it
--   server_error_upper double: upper bound of it
--   client_error_share double: part of requests answered with 4xx, 0 to 1
--   client_error_lower double: lower bound of it
--   client_error_upper double: upper bound of it
--   bytes bigint: bytes sent to clients, weighted
--   bytes_lower bigint: lower bound of it
--   bytes_upper bigint: upper bound of it
--   cache_hit_share double: part of requests served without asking the origin, 0 to 1
--   clients_at_least bigint: different client addresses among the records
--   rejected bigint: lines that were no valid record, whole captures
--   window_s double: seconds that the captures were asked to cover; null when not known
--   gap_count bigint: spans without a stream
--   gap_s double: their seconds
--   coverage double: recorded part of the windows, 0 to 1
-- needs: none
-- caveats: shares are null when their field was not recorded; gaps are not extrapolated
with
per_status as (
    select
        status,
        cache_status,
        count(*) as size,
        sum(weight) as total,
        sum(excess_weight(weight)) as excess,
        max(weight) as max_weight,
        min(edge_start) as first_request,
        max(edge_start) as last_request,
        count(bytes) as bytes_size,
        sum(bytes) as bytes_known,
        sum(weight::double * bytes) as bytes_total,
        sum(excess_weight(weight) * bytes::double ** 2) as bytes_excess
    from chosen_requests($capture, $label, $since, $until)
    group by status, cache_status
),
totals as (
    select
        estimate_of(sum(total), sum(excess), sum(size), $confidence) as requests,
        min(first_request) as first_request,
        max(last_request) as last_request,
        rate_if(total, excess, size, status between 500 and 599, $confidence)
            as server_errors,
        rate_if(total, excess, size, status between 400 and 499, $confidence)
            as client_errors,
        sum_of(
            sum(bytes_total),
            sum(bytes_excess),
            sum(bytes_known),
            sum(bytes_size),
            $confidence
        ) as bytes,
        share(
            coalesce(sum(total) filter (where is_hit_status(cache_status)), 0),
            sum(total) filter (where cache_status is not null)
        ) as cache_hit_share,
        max(max_weight) as max_weight
    from per_status
),
clients as (
    select nullif(at_least(client_ip), 0) as clients_at_least
    from chosen_requests($capture, $label, $since, $until)
),
recordings as (
    select
        count(*) as captures,
        count(distinct zone_id) as zones,
        coalesce(sum(rejected), 0)::bigint as rejected,
        sum(window_s) as window_s,
        sum(window_s * coverage) as covered_s,
        count(*) filter (where window_s is null) as unfinished
    from chosen_captures($capture, $label)
),
holes as (
    select count(*) as gap_count, coalesce(sum(duration_s), 0) as gap_s
    from chosen_gaps($capture, $label)
)
select
    concat_ws(
        '; ',
        note,
        if(max_weight > 1, 'sampled: counts are estimates', null),
        if(rejected > 0, how_many(rejected, 'line') || ' rejected', null)
    ) as notes,
    captures,
    zones,
    unnest(requests),
    if(
        $since is null and $until is null and unfinished = 0,
        share(requests.estimate, covered_s),
        null
    ) as requests_per_s,
    first_request,
    last_request,
    server_errors.estimate as server_error_share,
    server_errors.lower as server_error_lower,
    server_errors.upper as server_error_upper,
    client_errors.estimate as client_error_share,
    client_errors.lower as client_error_lower,
    client_errors.upper as client_error_upper,
    bytes.estimate as bytes,
    bytes.lower as bytes_lower,
    bytes.upper as bytes_upper,
    cache_hit_share,
    clients_at_least,
    rejected,
    window_s,
    gap_count,
    gap_s,
    share(covered_s, window_s) as coverage
from totals cross join clients cross join recordings cross join holes
cross join gap_note($capture, $label)
order by all
