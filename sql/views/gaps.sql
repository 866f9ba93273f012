-- One row per span [started_at, ended_at) of a window without a stream; times are UTC.
create or replace view gaps as
select
    capture_id,
    zone_id,
    (gap ->> '$.started_at')::timestamptz as started_at,
    (gap ->> '$.ended_at')::timestamptz as ended_at,
    gap ->> '$.reason' as reason,
    (epoch_us(ended_at) - epoch_us(started_at)) / 1e6 as duration_s
from (
    select
        capture_id,
        document ->> '$.zone_id' as zone_id,
        unnest((document -> '$.gaps')::json[]) as gap
    from manifests
)
