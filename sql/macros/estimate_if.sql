-- Weighted count of the records for which a condition holds; 0 for none.
create or replace macro estimate_if(weight, condition) as
    saturated(coalesce(sum(weight) filter (where condition), 0))
