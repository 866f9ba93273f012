-- How many different values there are among the records: a lower bound, since what was
-- not sampled can hold more and no weight tells how many. Exact when all was recorded.
create or replace macro at_least(item) as count(distinct item)
