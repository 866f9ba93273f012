-- Requests that the records stand for: the weighted count; 0 for no records.
create or replace macro estimate(weight) as saturated(coalesce(sum(weight), 0))
