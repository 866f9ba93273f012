-- name: check_coverage
-- level: warn
-- question: Was enough of each window recorded?
-- params:
--   min_coverage number 0..1 = 0.95: recorded part of the window that is enough
-- grain: one row per problem
-- columns:
--   capture_id varchar: the capture that has it
--   problem varchar: what is wrong, with the numbers
-- needs: none
-- caveats: none
select
    capture_id,
    format(
        '{:.1f} % of its window recorded, {}, less than {:.1f} %',
        100 * coverage,
        how_many(gap_count, 'gap'),
        100 * $min_coverage
    ) as problem
from captures
where window_s is not null and coverage < $min_coverage
order by capture_id
