-- Seconds in a bucket so that a span of seconds takes about 60 of them, round in the
-- way of clocks and calendars; a day at most.
create or replace macro auto_bucket_s(span_s) as
    coalesce(
        list_min(
            list_filter(
                [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 21600],
                lambda step: step >= span_s / 60
            )
        ),
        86400
    )::bigint
