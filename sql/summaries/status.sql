-- name: status
-- question: Which statuses did clients get, and which did the origin give?
-- params:
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
-- grain: one row per edge status and origin status
-- columns:
--   status bigint: status that the client got
--   status_class varchar: its class, 2xx to 5xx
--   origin_status bigint: status from upstream, 0 for none; null when not recorded
--   recorded bigint: records
--   estimate bigint: requests they stand for
--   share double: their share of all requests, 0 to 1
-- needs: EdgeResponseStatus
-- caveats: an origin status of 0 can also be a Worker's subrequest
with counted as (
    select
        status,
        status_class,
        origin_status,
        count(*) as recorded,
        estimate(weight) as estimate
    from requests
    where in_range(edge_start, $since, $until)
    group by all
)
select *, share(estimate, sum(estimate) over ()) as share
from counted
order by estimate desc, status, origin_status nulls first
