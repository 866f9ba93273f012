-- name: check_window
-- level: warn
-- question: Do the records belong to the time of their window?
-- params:
--   slack_s integer 0..86400 = 60: seconds that a request may start outside of it
-- grain: one row per problem
-- columns:
--   capture_id varchar: the capture that has it
--   problem varchar: what is wrong, with the numbers
-- needs: EdgeStartTimestamp
-- caveats: a request is logged when it ends: a long one starts long before
with outside as (
    select capture_id, count(*) as size
    from requests
    inner join captures using (capture_id)
    where
        edge_start < window_start - to_seconds($slack_s)
        or edge_start >= window_end + to_seconds($slack_s)
    group by capture_id
)
select
    capture_id,
    format(
        '{} started more than {} s outside of the window',
        how_many(size, 'request'),
        $slack_s
    ) as problem
from outside
order by capture_id
