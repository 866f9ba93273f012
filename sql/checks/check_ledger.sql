-- name: check_ledger
-- level: fail
-- question: Is every line received written, rejected or a duplicate?
-- params: none
-- grain: one row per problem
-- columns:
--   capture_id varchar: the capture that has it
--   problem varchar: what is wrong, with the numbers
-- needs: none
-- caveats: a capture that still records is left out
select
    capture_id,
    format(
        'received {}, but written {} + rejected {} + duplicates {}',
        received,
        written,
        rejected,
        duplicates
    ) as problem
from captures
where state <> 'recording' and received <> written + rejected + duplicates
order by capture_id
