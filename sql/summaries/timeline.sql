-- name: timeline
-- question: How did the traffic go over time, and where is nothing known?
-- params:
--   bucket_s integer 0..86400 = 0: seconds in a bucket; 0 chooses, for about 60 rows
--   since timestamp = null: first instant counted, inclusive
--   until timestamp = null: end of what is counted, exclusive
-- grain: one row per bucket of time that a window, a gap or a record touches
-- columns:
--   bucket_start timestamptz: start of the bucket, inclusive
--   bucket_end timestamptz: its end, exclusive
--   recorded bigint: records of requests that started in it
--   estimate bigint: requests they stand for
--   requests_per_s double: estimate by second of the whole bucket
--   client_errors bigint: of the estimate, answered with 4xx
--   server_errors bigint: of the estimate, answered with 5xx
--   bytes bigint: bytes sent for them, weighted; null when not recorded
--   gap_s double: seconds in the bucket without a stream, over all captures
-- needs: EdgeStartTimestamp
-- caveats: a window's first and last bucket are covered in part; gaps are not filled
with
spans as (
    select
        greatest(coalesce(window_start, started_at), $since::timestamptz) as span_start,
        least(
            coalesce(window_end, ended_at, started_at), $until::timestamptz
        ) as span_end
    from captures
),
step as (
    select
        greatest(
            if($bucket_s > 0, $bucket_s, auto_bucket_s(span_s)),
            ceil(span_s / 20000)::bigint,
            1
        ) * 1000000 as step_us
    from (
        select
            coalesce((epoch_us(max(span_end)) - epoch_us(min(span_start))) / 1e6, 0)
                as span_s
        from spans
        where span_start < span_end
    )
),
counted as (
    select
        epoch_us(edge_start) // step_us as bucket,
        count(*) as recorded,
        estimate(weight) as estimate,
        estimate_if(weight, status between 400 and 499) as client_errors,
        estimate_if(weight, status between 500 and 599) as server_errors,
        if(count(bytes) > 0, weighted_sum(weight, bytes), null) as bytes
    from requests cross join step
    where edge_start is not null and in_range(edge_start, $since, $until)
    group by bucket
),
windows as (
    select distinct
        unnest(
            range(
                epoch_us(span_start) // step_us,
                (epoch_us(span_end) - 1) // step_us + 1
            )
        ) as bucket
    from spans cross join step
    where span_start < span_end
),
holes as (
    select bucket, sum(greatest(hole_end - hole_start, 0)) / 1e6 as gap_s
    from (
        select
            bucket,
            greatest(epoch_us(started_at), bucket * step_us) as hole_start,
            least(epoch_us(ended_at), (bucket + 1) * step_us) as hole_end
        from windows cross join step
        inner join gaps
            on epoch_us(started_at) < (bucket + 1) * step_us
            and epoch_us(ended_at) > bucket * step_us
    )
    group by bucket
)
select
    make_timestamptz(bucket * step_us) as bucket_start,
    make_timestamptz((bucket + 1) * step_us) as bucket_end,
    coalesce(recorded, 0) as recorded,
    coalesce(estimate, 0) as estimate,
    coalesce(estimate, 0) / (step_us / 1e6) as requests_per_s,
    coalesce(client_errors, 0) as client_errors,
    coalesce(server_errors, 0) as server_errors,
    bytes,
    coalesce(gap_s, 0) as gap_s
from windows
full join counted using (bucket)
left join holes using (bucket)
cross join step
order by bucket
