-- name: top_clients
-- question: Which client addresses ask the most, and how do they fare?
-- params:
--   limit integer 1..100000 = 20: rows to return
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
-- grain: one row per client address
-- columns:
--   client_ip varchar: address, v4 or v6
--   country varchar: its country, lower case; null when not recorded
--   asn bigint: its autonomous system; null when not recorded
--   recorded bigint: records
--   estimate bigint: requests they stand for
--   share double: their share of all requests, 0 to 1
--   client_error_share double: share of them answered with 4xx, 0 to 1
--   server_error_share double: share of them answered with 5xx, 0 to 1
--   bytes bigint: bytes sent to it, weighted; null when not recorded
-- needs: ClientIP
-- caveats: one address can be many people, and one person many addresses
with counted as (
    select
        client_ip,
        max(country) as country,
        max(asn) as asn,
        count(*) as recorded,
        estimate(weight) as estimate,
        estimate_if(weight, status is not null) as answered,
        estimate_if(weight, status between 400 and 499) as client_errors,
        estimate_if(weight, status between 500 and 599) as server_errors,
        if(count(bytes) > 0, weighted_sum(weight, bytes), null) as bytes
    from requests
    where in_range(edge_start, $since, $until)
    group by client_ip
)
select
    client_ip,
    country,
    asn,
    recorded,
    estimate,
    share(estimate, sum(estimate) over ()) as share,
    share(client_errors, answered) as client_error_share,
    share(server_errors, answered) as server_error_share,
    bytes
from counted
order by estimate desc, recorded desc, client_ip
limit $limit
