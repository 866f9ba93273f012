-- name: status
-- question: Which statuses did clients get, and did the edge or the origin make them?
-- params:
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per edge status and origin status
-- columns:
--   status bigint: status that the client got
--   status_class varchar: its class, 2xx to 5xx
--   origin_status bigint: status from upstream, 0 for none; null when not recorded
--   made_by varchar: origin when it gave this status, else edge; null when not recorded
--   estimate bigint: requests that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   share double: part of all requests, 0 to 1
-- needs: EdgeResponseStatus
-- caveats: an origin status of 0 can be a Worker's subrequest; what is cached is edge
with counted as (
    select
        status,
        status_class,
        origin_status,
        case
            when origin_status = status then 'origin'
            when origin_status is not null then 'edge'
        end as made_by,
        unnest(estimate_count(weight, $confidence))
    from chosen_requests($capture, $label, $since, $until)
    group by status, status_class, origin_status
)
select *, share(estimate, sum(estimate) over ()) as share
from counted
order by estimate desc, status, origin_status nulls first
