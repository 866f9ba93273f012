-- name: colos
-- question: Which data centres answer, and how do they fare?
-- params:
--   limit integer 1..100000 = 300: rows to return
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per data centre
-- columns:
--   colo varchar: airport code of the data centre
--   estimate bigint: requests that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   client_error_share double: part of them answered with 4xx, 0 to 1
--   server_error_share double: part of them answered with 5xx, 0 to 1
--   bytes bigint: bytes sent for them, weighted; null when not recorded
--   mean_ttfb_ms double: weighted mean time to the first byte; null when not recorded
--   share double: part of all requests, 0 to 1
-- needs: EdgeColoCode
-- caveats: the data centre is the one that the client reached
with counted as (
    select
        colo,
        unnest(estimate_count(weight, $confidence)),
        status_share(weight, status, 400, 499) as client_error_share,
        status_share(weight, status, 500, 599) as server_error_share,
        sum_if_known(weight, bytes) as bytes,
        weighted_mean(weight, ttfb_ms) as mean_ttfb_ms
    from chosen_requests($capture, $label, $since, $until)
    group by colo
)
select *, share(estimate, sum(estimate) over ()) as share
from counted
order by estimate desc, sample_size desc, colo
limit $limit
