-- name: latency
-- question: How long did clients wait for the first byte, and how long did the origin take?
-- params:
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
-- grain: one row per measure: edge_ttfb, origin
-- columns:
--   measure varchar: edge_ttfb: first byte at the edge; origin: the origin's answer
--   recorded bigint: records that carry it
--   estimate bigint: requests they stand for
--   mean_ms double: weighted mean, milliseconds
--   p50_ms bigint: weighted quantiles, milliseconds: half of the requests took no longer
--   p90_ms bigint: nine in ten
--   p95_ms bigint: 95 in 100
--   p99_ms bigint: 99 in 100
--   max_ms bigint: the longest recorded
-- needs: EdgeTimeToFirstByteMs|OriginResponseDurationMs|OriginResponseTime
-- caveats: an origin time of 0 means that the origin was not asked, and is left out
with
measured as (
    select 'edge_ttfb' as measure, ttfb_ms as ms, weight
    from requests
    where ttfb_ms is not null and in_range(edge_start, $since, $until)
    union all
    select 'origin' as measure, origin_ms as ms, weight
    from requests
    where origin_ms is not null and in_range(edge_start, $since, $until)
),
weighed as (
    select measure, ms, count(*) as recorded, sum(weight)::double as weight
    from measured
    group by all
),
ranked as (
    select
        *,
        sum(weight) over (
            partition by measure order by ms rows unbounded preceding
        ) as upto,
        sum(weight) over (partition by measure) as total
    from weighed
)
select
    measure,
    sum(recorded)::bigint as recorded,
    estimate(weight) as estimate,
    sum(weight * ms) / sum(weight) as mean_ms,
    weighted_quantile(ms, upto, total, 0.5) as p50_ms,
    weighted_quantile(ms, upto, total, 0.9) as p90_ms,
    weighted_quantile(ms, upto, total, 0.95) as p95_ms,
    weighted_quantile(ms, upto, total, 0.99) as p99_ms,
    max(ms) as max_ms
from ranked
group by measure
order by measure
