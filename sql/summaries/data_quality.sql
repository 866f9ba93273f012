-- name: data_quality
-- question: How far can the records be trusted: what is rejected, missing, sampled?
-- params:
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
-- grain: one row per topic and item
-- columns:
--   topic varchar: line, reject, gap, sample_interval, unknown_field, field
--   item varchar: what: written, a reason, an interval, the name of a field
--   recorded bigint: lines, gaps, records; for a field, records with a value
--   share double: part of all lines, of all records, or of the windows, 0 to 1
--   duration_s double: seconds of the gaps; null for the rest
--   first_at timestamptz: when it was first seen; null for lines and fields
--   last_at timestamptz: when it was last seen, or a gap's end
-- needs: none
-- caveats: not weighted; a range holds for records, not for lines and gaps
with
lines as (
    unpivot (
        select
            coalesce(sum(received), 0)::bigint as received,
            coalesce(sum(written), 0)::bigint as written,
            coalesce(sum(rejected), 0)::bigint as rejected,
            coalesce(sum(duplicates), 0)::bigint as duplicates,
            coalesce(sum(late), 0)::bigint as late
        from chosen_captures($capture, $label)
    )
    on received, written, rejected, duplicates, late
    into name item value recorded
),
fields as (
    unpivot (
        select count(columns(lambda name: is_recorded(name)))
        from chosen_requests($capture, $label, $since, $until)
    )
    on columns(*)
    into name item value recorded
),
-- Every record has its capture's id: what is counted once need not be read again.
records as (
    select coalesce(max(recorded), 0) as size from fields where item = 'capture_id'
),
found as (
    select
        'line' as topic,
        item,
        recorded,
        share(recorded, (select recorded from lines where item = 'received')) as share,
        null::double as duration_s,
        null::timestamptz as first_at,
        null::timestamptz as last_at
    from lines
    union all by name
    select
        'reject' as topic,
        reason as item,
        count(*) as recorded,
        share(count(*), (select recorded from lines where item = 'received')) as share,
        min(received_at) as first_at,
        max(received_at) as last_at
    from rejects
    semi join chosen_captures($capture, $label) using (capture_id)
    group by reason
    union all by name
    select
        'gap' as topic,
        reason as item,
        count(*) as recorded,
        share(
            sum(duration_s),
            (select sum(window_s) from chosen_captures($capture, $label))
        ) as share,
        sum(duration_s) as duration_s,
        min(started_at) as first_at,
        max(ended_at) as last_at
    from chosen_gaps($capture, $label)
    group by reason
    union all by name
    select
        'sample_interval' as topic,
        coalesce(sampleInterval::varchar, 'absent') as item,
        count(*) as recorded,
        share(count(*), sum(count(*)) over ()) as share,
        min(edge_start) as first_at,
        max(edge_start) as last_at
    from chosen_requests($capture, $label, $since, $until)
    group by sampleInterval
    union all by name
    select
        'unknown_field' as topic,
        name as item,
        count(*) as recorded,
        share(count(*), (select size from records)) as share,
        min(edge_start) as first_at,
        max(edge_start) as last_at
    from (
        select unnest(json_keys(extra)) as name, edge_start
        from chosen_requests($capture, $label, $since, $until)
        where extra is not null
    )
    group by name
    union all by name
    select
        'field' as topic,
        item,
        recorded,
        share(recorded, (select size from records)) as share
    from fields
    where
        item not in (
            'capture_id', 'zone_id', 'date', 'received_at', 'extra', 'sampleInterval'
        )
)
from found
order by
    list_position(
        ['line', 'reject', 'gap', 'sample_interval', 'unknown_field', 'field'], topic
    ),
    recorded desc,
    item
