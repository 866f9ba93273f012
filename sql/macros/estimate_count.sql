-- How many requests the records stand for, as a struct of estimate, lower, upper and
-- sample_size, for each group if there are groups:
--   select status, unnest(estimate_count(weight)) from requests
--   group by status
create or replace macro estimate_count(weight, confidence := 0.95) as
    estimate_of(
        sum(weight),
        sum(excess_weight(weight)),
        count(weight),
        confidence := confidence
    )
