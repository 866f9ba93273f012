-- The captures that a question is about. `capture` is the beginning of an id, or
-- latest; `label` is key=value; with both, latest is the newest with that label; null
-- is any.
create or replace macro chosen_captures(capture, label) as table
from captures
where
    (
        label is null
        or labels[split_part(label, '=', 1)] = substr(label, strpos(label, '=') + 1)
    )
    and (capture is null or capture = 'latest' or starts_with(capture_id, capture))
qualify
    capture is distinct from 'latest'
    or row_number() over (order by started_at desc, capture_id desc) = 1
