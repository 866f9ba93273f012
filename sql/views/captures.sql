-- One row per capture, from its manifest. Times are UTC, the window is [start, end);
-- `bytes` are those of the lines received, `coverage` is 0 to 1 of `window_s`;
-- `sample_factor` is what a record's sample interval is multiplied by under the
-- capture's sampling rule. What a capture that runs, or was killed, will have recorded
-- is not known yet: its end, its counts and its coverage are null.
create or replace view captures as
select
    capture_id,
    document ->> '$.zone_id' as zone_id,
    document ->> '$.state' as state,
    document ->> '$.end_reason' as end_reason,
    coalesce((document -> '$.labels')::map(varchar, varchar), map {}) as labels,
    (document -> '$.request.fields')::varchar[] as fields,
    document ->> '$.request.filter' as filter,
    document ->> '$.request.preset' as preset,
    coalesce((document ->> '$.request.sample')::bigint, 1) as sample,
    coalesce(document ->> '$.sampling.model', 'exclusive') as sampling_rule,
    if(sampling_rule = 'inclusive', 1, sample) as sample_factor,
    (document ->> '$.sampling.min')::bigint as sample_interval_min,
    (document ->> '$.sampling.max')::bigint as sample_interval_max,
    (document ->> '$.window.start')::timestamptz as window_start,
    (document ->> '$.window.end')::timestamptz as window_end,
    (epoch_us(window_end) - epoch_us(window_start)) / 1e6 as window_s,
    (document ->> '$.started_at')::timestamptz as started_at,
    (document ->> '$.ended_at')::timestamptz as ended_at,
    (document ->> '$.received')::bigint as received,
    (document ->> '$.written')::bigint as written,
    (document ->> '$.rejected')::bigint as rejected,
    (document ->> '$.duplicates')::bigint as duplicates,
    if(state = 'recording', null, coalesce((document ->> '$.late')::bigint, 0))
        as late,
    (document ->> '$.bytes')::bigint as bytes,
    (document ->> '$.messages')::bigint as messages,
    coalesce(json_array_length(document, '$.sessions'), 0)::bigint as session_count,
    coalesce(json_array_length(document, '$.gaps'), 0)::bigint as gap_count,
    coalesce(json_array_length(document, '$.segments'), 0)::bigint as segment_count,
    (document ->> '$.coverage')::double as coverage,
    coalesce((document -> '$.versions')::map(varchar, varchar), map {}) as versions,
    (document ->> '$.schema_version')::bigint as schema_version
from (
    select
        capture_id,
        if(
            document ->> '$.state' = 'recording',
            json_merge_patch(
                document,
                '{"window": {"end": null}, "received": null, "written": null,'
                '"rejected": null, "duplicates": null, "late": null, "bytes": null,'
                '"messages": null, "coverage": null}'
            ),
            document
        ) as document
    from manifests
)
