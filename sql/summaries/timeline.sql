-- name: timeline
-- question: How did the traffic go over time, and where is nothing known?
-- params:
--   bucket_s integer 0..86400 = 0: seconds in a bucket; 0 chooses, for about 60 rows
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null: first instant counted, inclusive
--   until timestamp = null: end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per bucket of time that a window, a gap or a record touches
-- columns:
--   bucket_start timestamptz: start of the bucket, inclusive
--   bucket_end timestamptz: its end, exclusive
--   estimate bigint: requests that started in it
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   requests_per_s double: estimate by second of the whole bucket
--   client_errors bigint: of the estimate, answered with 4xx
--   server_errors bigint: of the estimate, answered with 5xx
--   bytes bigint: bytes sent for them, weighted; null when not recorded
--   gap_s double: seconds in the bucket without a stream, over all captures
--   is_whole boolean: all of its requests could arrive; false at a window's edge or gap
-- needs: EdgeStartTimestamp
-- caveats: records arrive seconds behind the event, so a window's last buckets look
--   quiet: what is not whole must not be read as a change; gaps are not filled
with
spans as (
    select
        greatest(coalesce(window_start, started_at), $since::timestamptz) as span_start,
        least(
            coalesce(window_end, ended_at, started_at), $until::timestamptz
        ) as span_end
    from chosen_captures($capture, $label)
),
starts as (
    -- When requests started, but for the first and the last: a replay's, long ago.
    select
        approx_quantile(epoch_us(edge_start), 0.01) as least_us,
        approx_quantile(epoch_us(edge_start), 0.99) as most_us
    from chosen_requests($capture, $label, $since, $until)
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
            coalesce(
                greatest(
                    epoch_us(max(span_end)) - epoch_us(min(span_start)),
                    (select most_us - least_us from starts)
                ) / 1e6,
                0
            ) as span_s
        from spans
        where span_start < span_end
    )
),
counted as (
    select
        epoch_us(edge_start) // step_us as bucket,
        count(*) as size,
        sum(weight) as total,
        sum(excess_weight(weight)) as excess,
        estimate_if(weight, status between 400 and 499) as client_errors,
        estimate_if(weight, status between 500 and 599) as server_errors,
        sum_if_known(weight, bytes) as bytes
    from chosen_requests($capture, $label, $since, $until)
    cross join step
    where edge_start is not null
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
        inner join chosen_gaps($capture, $label)
            on epoch_us(started_at) < (bucket + 1) * step_us
            and epoch_us(ended_at) > bucket * step_us
    )
    group by bucket
),
delays as (
    -- Between a request's start and its arrival, but for the fastest and slowest.
    select
        approx_quantile(delay_us, 0.05) as least_us,
        approx_quantile(delay_us, 0.95) as most_us
    from (
        select epoch_us(received_at) - epoch_us(edge_start) as delay_us
        from chosen_requests($capture, $label, $since, $until)
    )
),
whole as (
    select distinct bucket
    from (select bucket from windows union select bucket from counted)
    cross join step cross join delays
    inner join chosen_captures($capture, $label) as asked
        on bucket * step_us >= epoch_us(window_start) - least_us
        and (bucket + 1) * step_us <= epoch_us(window_end) - most_us
    anti join chosen_gaps($capture, $label) as hole
        on hole.capture_id = asked.capture_id
        and epoch_us(hole.started_at) - most_us < (bucket + 1) * step_us
        and epoch_us(hole.ended_at) - least_us > bucket * step_us
    where in_range(make_timestamptz(bucket * step_us), $since, $until)
        and coalesce((bucket + 1) * step_us <= epoch_us($until::timestamptz), true)
)
select
    make_timestamptz(bucket * step_us) as bucket_start,
    make_timestamptz((bucket + 1) * step_us) as bucket_end,
    unnest(estimate_of(total, excess, size, $confidence)),
    saturated(coalesce(total, 0)) / (step_us / 1e6) as requests_per_s,
    coalesce(client_errors, 0) as client_errors,
    coalesce(server_errors, 0) as server_errors,
    bytes,
    coalesce(gap_s, 0) as gap_s,
    whole.bucket is not null as is_whole
from windows
full join counted using (bucket)
left join holes using (bucket)
left join whole using (bucket)
cross join step
order by bucket
