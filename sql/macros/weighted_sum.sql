-- Weighted total of a quantity, null values left out; exact below 2^53, saturating.
create or replace macro weighted_sum(weight, quantity) as
    least(
        coalesce(sum(weight::double * quantity::double), 0), 9223372036854774784
    )::bigint
