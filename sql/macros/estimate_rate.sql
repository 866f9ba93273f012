-- Share of the requests for which a condition holds, 0 to 1, as a struct of estimate,
-- lower, upper and sample_size; records where it is null are left out:
--   select host, unnest(estimate_rate(weight, is_server_error)) from requests
--   group by host
create or replace macro estimate_rate(weight, condition, confidence := 0.95) as
    rate_of(
        sum(weight) filter (where condition is not null),
        coalesce(sum(weight) filter (where condition), 0),
        sum(excess_weight(weight)) filter (where condition is not null),
        coalesce(sum(excess_weight(weight)) filter (where condition), 0),
        count(condition),
        confidence := confidence
    )
