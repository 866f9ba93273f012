-- name: top_paths
-- question: Which paths are asked for the most, and how do they fare?
-- params:
--   limit integer 1..100000 = 20: rows to return
--   collapse boolean = true: make /users/1 and /users/2 one path, /users/:id
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per path
-- columns:
--   path varchar: path without its query string, its ids named alike
--   estimate bigint: requests that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   client_error_share double: part of them answered with 4xx, 0 to 1
--   server_error_share double: part of them answered with 5xx, 0 to 1
--   bytes bigint: bytes sent for them, weighted; null when not recorded
--   share double: part of all requests, 0 to 1
-- needs: ClientRequestPath|ClientRequestURI
-- caveats: hosts are not told apart; sql/macros/collapse_ids.sql says what an id is
with
per_path as (
    select
        path,
        count(*) as size,
        sum(weight) as total,
        sum(excess_weight(weight)) as excess,
        estimate_if(weight, status is not null) as answered,
        estimate_if(weight, status between 400 and 499) as client_errors,
        estimate_if(weight, status between 500 and 599) as server_errors,
        sum_if_known(weight, bytes) as bytes
    from chosen_requests($capture, $label, $since, $until)
    group by path
),
counted as (
    select
        if($collapse, collapse_ids(path), path) as path,
        unnest(estimate_of(sum(total), sum(excess), sum(size), $confidence)),
        share(sum(client_errors), sum(answered)) as client_error_share,
        share(sum(server_errors), sum(answered)) as server_error_share,
        saturated(sum(bytes)) as bytes
    from per_path
    group by if($collapse, collapse_ids(path), path)
)
select *, share(estimate, sum(estimate) over ()) as share
from counted
order by estimate desc, sample_size desc, path
limit $limit
