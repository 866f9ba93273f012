-- name: check_rejects
-- level: warn
-- question: Were all lines valid records?
-- params:
--   max_share number 0..1 = 0: part of the lines that may be rejected
-- grain: one row per problem
-- columns:
--   capture_id varchar: the capture that has it
--   problem varchar: what is wrong, with the numbers
-- needs: none
-- caveats: none
select
    capture_id,
    format('{} of {} lines rejected', rejected, received) as problem
from captures
where rejected > $max_share * received
order by capture_id
