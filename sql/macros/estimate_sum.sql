-- Total over all requests of a quantity that is never negative (bytes, milliseconds),
-- as a struct of estimate, lower, upper and sample_size; null values are left out:
--   select host, unnest(estimate_sum(weight, bytes)) from requests
--   group by host
create or replace macro estimate_sum(weight, quantity, confidence := 0.95) as
    sum_of(
        sum(weight::double * quantity),
        sum(excess_weight(weight) * quantity::double ** 2),
        sum(quantity),
        count(quantity),
        confidence := confidence
    )
