-- Requests that the records stand for: the weighted count; 0 for no records.
create or replace macro estimate(weight) as
    least(coalesce(sum(weight), 0), 9223372036854775807)::bigint
