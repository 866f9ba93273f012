-- One row per line that was no valid record. `line` is its text, null when it is not
-- UTF-8; `raw` are its bytes as they came; `received_at` is UTC.
create or replace view rejects as
select
    recorded_rejects.capture_id,
    captures.zone_id,
    recorded_rejects.reason,
    recorded_rejects.received_at,
    recorded_rejects.line,
    coalesce(
        encode(recorded_rejects.line), from_base64(recorded_rejects.line_base64)
    ) as raw
from recorded_rejects
left join captures using (capture_id)
