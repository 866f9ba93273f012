-- How many different values there are among the records: a lower bound, since what was
-- not sampled can hold more and no weight tells how many. Exact when all was recorded;
-- hashes are counted, so that text costs no more than numbers.
create or replace macro at_least(item) as
    count(distinct hash(item)) filter (where item is not null)
