-- name: top_paths
-- question: Which paths are asked for the most, and how do they fare?
-- params:
--   limit integer 1..100000 = 20: rows to return
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
-- grain: one row per path
-- columns:
--   path varchar: path without its query string
--   recorded bigint: records
--   estimate bigint: requests they stand for
--   share double: their share of all requests, 0 to 1
--   client_error_share double: share of them answered with 4xx, 0 to 1
--   server_error_share double: share of them answered with 5xx, 0 to 1
--   bytes bigint: bytes sent for them, weighted; null when not recorded
-- needs: ClientRequestPath|ClientRequestURI
-- caveats: hosts are not told apart; ids in paths are not collapsed
with counted as (
    select
        path,
        count(*) as recorded,
        estimate(weight) as estimate,
        estimate_if(weight, status is not null) as answered,
        estimate_if(weight, status between 400 and 499) as client_errors,
        estimate_if(weight, status between 500 and 599) as server_errors,
        if(count(bytes) > 0, weighted_sum(weight, bytes), null) as bytes
    from requests
    where in_range(edge_start, $since, $until)
    group by path
)
select
    path,
    recorded,
    estimate,
    share(estimate, sum(estimate) over ()) as share,
    share(client_errors, answered) as client_error_share,
    share(server_errors, answered) as server_error_share,
    bytes
from counted
order by estimate desc, recorded desc, path
limit $limit
