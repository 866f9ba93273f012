-- Share of the requests for which a condition holds, 0 to 1, as a struct of estimate,
-- lower, upper and sample_size; records where it is null are left out:
--   select host, unnest(estimate_rate(weight, is_server_error)) from requests
--   group by host
create or replace macro estimate_rate(weight, condition, confidence := 0.95) as
    rate_if(weight, excess_weight(weight), 1, condition, confidence := confidence)
