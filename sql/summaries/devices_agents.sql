-- name: devices_agents
-- question: Which devices and programs are the clients?
-- params:
--   limit integer 1..100000 = 20: rows to return of each dimension
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per dimension and value, the most frequent of each
-- columns:
--   dimension varchar: device, family, agent; what was not recorded is left out
--   value varchar: its value: the header as sent, for an agent
--   estimate bigint: requests that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   client_error_share double: part of them answered with 4xx, 0 to 1
--   server_error_share double: part of them answered with 5xx, 0 to 1
--   share double: part of all requests of the dimension, 0 to 1
-- needs: ClientDeviceType|ClientRequestUserAgent
-- caveats: a User-Agent is what the client says it is
with
per_agent as (
    select
        device,
        user_agent,
        count(*) as size,
        sum(weight) as total,
        sum(excess_weight(weight)) as excess,
        estimate_if(weight, status is not null) as answered,
        estimate_if(weight, status between 400 and 499) as client_errors,
        estimate_if(weight, status between 500 and 599) as server_errors
    from chosen_requests($capture, $label, $since, $until)
    group by device, user_agent
),
named as (
    select *, agent_family(user_agent) as family
    from per_agent
),
counted as (
    select
        case
            when grouping(device) = 0 then 'device'
            when grouping(family) = 0 then 'family'
            when grouping(user_agent) = 0 then 'agent'
        end as dimension,
        coalesce(device, family, user_agent) as value,
        unnest(estimate_of(sum(total), sum(excess), sum(size), $confidence)),
        share(sum(client_errors), sum(answered)) as client_error_share,
        share(sum(server_errors), sum(answered)) as server_error_share
    from named
    group by grouping sets ((device), (family), (user_agent))
)
select *, share(estimate, sum(estimate) over dimensions) as share
from counted
window dimensions as (partition by dimension)
qualify
    count(value) over dimensions > 0
    and row_number() over (
        partition by dimension order by estimate desc, sample_size desc, value
    ) <= $limit
order by dimension desc, estimate desc, sample_size desc, value
