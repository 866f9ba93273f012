-- name: latency
-- question: How long did clients wait for the first byte, and the edge for the origin?
-- params:
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per measure that was recorded
-- columns:
--   measure varchar: edge_ttfb, client_rtt, origin, and the origin's parts
--   estimate bigint: requests that the records with this measure stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   mean_ms double: weighted mean, milliseconds
--   p50_ms bigint: half of the requests took no longer, milliseconds
--   p50_lower_ms bigint: lower bound of it
--   p50_upper_ms bigint: upper bound of it; null when the records are too few to tell
--   p90_ms bigint: nine in ten took no longer
--   p90_lower_ms bigint: lower bound of it
--   p90_upper_ms bigint: upper bound of it, or null
--   p95_ms bigint: 95 in 100 took no longer
--   p95_lower_ms bigint: lower bound of it
--   p95_upper_ms bigint: upper bound of it, or null
--   p99_ms bigint: 99 in 100 took no longer
--   p99_lower_ms bigint: lower bound of it
--   p99_upper_ms bigint: upper bound of it, or null
--   max_ms bigint: the longest recorded
-- needs: EdgeTimeToFirstByteMs|OriginResponseDurationMs|OriginResponseTime
-- caveats: an origin time of 0 means that the origin was not asked, and is left out
with
weighed as (
    select
        case
            when grouping(ttfb_ms) = 0 then 'edge_ttfb'
            when grouping(client_rtt_ms) = 0 then 'client_rtt'
            when grouping(origin_ms) = 0 then 'origin'
            when grouping(origin_dns_ms) = 0 then 'origin_dns'
            when grouping(origin_tcp_ms) = 0 then 'origin_tcp'
            when grouping(origin_tls_ms) = 0 then 'origin_tls'
            when grouping(origin_send_ms) = 0 then 'origin_send'
            when grouping(origin_wait_ms) = 0 then 'origin_wait'
        end as measure,
        coalesce(
            ttfb_ms,
            client_rtt_ms,
            origin_ms,
            origin_dns_ms,
            origin_tcp_ms,
            origin_tls_ms,
            origin_send_ms,
            origin_wait_ms
        ) as ms,
        count(*) as size,
        sum(weight) as total,
        sum(excess_weight(weight)) as excess
    from chosen_requests($capture, $label, $since, $until)
    group by grouping sets (
        (ttfb_ms),
        (client_rtt_ms),
        (origin_ms),
        (origin_dns_ms),
        (origin_tcp_ms),
        (origin_tls_ms),
        (origin_send_ms),
        (origin_wait_ms)
    )
    having ms is not null
),
ranked as (
    select
        *,
        rate_of(
            sum(total) over measures,
            sum(total) over up_to_this,
            sum(excess) over measures,
            sum(excess) over up_to_this,
            sum(size) over measures,
            $confidence
        ) as at_most
    from weighed
    window
        measures as (partition by measure),
        up_to_this as (partition by measure order by ms rows unbounded preceding)
)
select
    measure,
    unnest(estimate_of(sum(total), sum(excess), sum(size), $confidence)),
    sum(total::double * ms) / sum(total) as mean_ms,
    min(ms) filter (where at_most.estimate >= 0.5) as p50_ms,
    min(ms) filter (where at_most.upper >= 0.5) as p50_lower_ms,
    min(ms) filter (where at_most.lower >= 0.5) as p50_upper_ms,
    min(ms) filter (where at_most.estimate >= 0.9) as p90_ms,
    min(ms) filter (where at_most.upper >= 0.9) as p90_lower_ms,
    min(ms) filter (where at_most.lower >= 0.9) as p90_upper_ms,
    min(ms) filter (where at_most.estimate >= 0.95) as p95_ms,
    min(ms) filter (where at_most.upper >= 0.95) as p95_lower_ms,
    min(ms) filter (where at_most.lower >= 0.95) as p95_upper_ms,
    min(ms) filter (where at_most.estimate >= 0.99) as p99_ms,
    min(ms) filter (where at_most.upper >= 0.99) as p99_lower_ms,
    min(ms) filter (where at_most.lower >= 0.99) as p99_upper_ms,
    max(ms) as max_ms
from ranked
group by measure
order by measure
