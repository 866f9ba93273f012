-- One row: how much of the windows of chosen_captures was not recorded, in words, and
-- how many are not finished; null when all of it was. A capture that is not finished
-- has no window yet.
create or replace macro gap_note(capture, label) as table
select
    nullif(
        concat_ws(
            '; ',
            if(
                sum(gap_count) > 0 or sum(window_s * coverage) < sum(window_s),
                format(
                    '{}, {:.1f} s not recorded, coverage {:.1f} %',
                    how_many(sum(gap_count)::bigint, 'gap'),
                    sum(window_s * (1 - coverage)),
                    100 * share(sum(window_s * coverage), sum(window_s))
                ),
                null
            ),
            if(
                count(*) filter (where state = 'recording') > 0,
                how_many(count(*) filter (where state = 'recording'), 'capture')
                || ' not finished, and not counted yet',
                null
            )
        ),
        ''
    ) as note
from chosen_captures(capture, label)
