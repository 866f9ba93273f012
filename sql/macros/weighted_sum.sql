-- Weighted total of a quantity, null values left out; exact below 2^53, saturating.
create or replace macro weighted_sum(weight, quantity) as
    saturated(coalesce(sum(weight::double * quantity::double), 0))
