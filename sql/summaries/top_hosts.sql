-- name: top_hosts
-- question: Which hosts are asked for the most, and how do they fare?
-- params:
--   limit integer 1..100000 = 50: rows to return
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per host
-- columns:
--   host varchar: host that the client named
--   estimate bigint: requests that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   client_error_share double: part of them answered with 4xx, 0 to 1
--   server_error_share double: part of them answered with 5xx, 0 to 1
--   bytes bigint: bytes sent for them, weighted; null when not recorded
--   share double: part of all requests, 0 to 1
-- needs: ClientRequestHost
-- caveats: hosts are compared as sent: case and ports are not folded
with counted as (
    select
        host,
        unnest(estimate_count(weight, $confidence)),
        status_share(weight, status, 400, 499) as client_error_share,
        status_share(weight, status, 500, 599) as server_error_share,
        sum_if_known(weight, bytes) as bytes
    from chosen_requests($capture, $label, $since, $until)
    group by host
)
select *, share(estimate, sum(estimate) over ()) as share
from counted
order by estimate desc, sample_size desc, host
limit $limit
