-- name: check_finished
-- level: warn
-- question: Did each capture end by its own bound?
-- params: none
-- grain: one row per problem
-- columns:
--   capture_id varchar: the capture that has it
--   problem varchar: what is wrong, with the numbers
-- needs: none
-- caveats: none
select
    capture_id,
    format('it is {}: {}', state, coalesce(end_reason, 'it has no end')) as problem
from captures
where state not in ('complete', 'partial')
order by capture_id
