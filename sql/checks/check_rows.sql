-- name: check_rows
-- level: fail
-- question: Do the Parquet files hold as many records as were written?
-- params: none
-- grain: one row per problem
-- columns:
--   capture_id varchar: the capture that has it
--   problem varchar: what is wrong, with the numbers
-- needs: none
-- caveats: a capture that still records is left out
select
    capture_id,
    format('{} records in its files, {} were written', coalesce(size, 0), written)
        as problem
from captures
left join (
    select capture_id, count(*) as size
    from requests
    group by capture_id
) using (capture_id)
where state <> 'recording' and coalesce(size, 0) <> written
order by capture_id
