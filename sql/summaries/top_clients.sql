-- name: top_clients
-- question: Which client addresses ask the most, and how do they fare?
-- params:
--   limit integer 1..100000 = 20: rows to return
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per client address
-- columns:
--   client_ip varchar: address, v4 or v6
--   country varchar: its country, lower case; null when not recorded
--   asn bigint: its autonomous system; null when not recorded
--   estimate bigint: requests that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   client_error_share double: part of them answered with 4xx, 0 to 1
--   server_error_share double: part of them answered with 5xx, 0 to 1
--   bytes bigint: bytes sent for them, weighted; null when not recorded
--   share double: part of all requests, 0 to 1
-- needs: ClientIP
-- caveats: one address can be many people, and one person many addresses
with
counted as (
    select client_ip, unnest(estimate_count(weight, $confidence))
    from chosen_requests($capture, $label, $since, $until)
    group by client_ip
),
first as (
    select *, share(estimate, sum(estimate) over ()) as share
    from counted
    order by estimate desc, sample_size desc, client_ip
    limit $limit
),
described as (
    select
        first.client_ip,
        max(country) as country,
        max(asn) as asn,
        status_share(weight, status, 400, 499) as client_error_share,
        status_share(weight, status, 500, 599) as server_error_share,
        sum_if_known(weight, bytes) as bytes
    from chosen_requests($capture, $label, $since, $until) as chosen
    inner join first on chosen.client_ip is not distinct from first.client_ip
    group by first.client_ip
)
select
    first.client_ip,
    country,
    asn,
    estimate,
    lower,
    upper,
    sample_size,
    client_error_share,
    server_error_share,
    bytes,
    share
from first
inner join described on first.client_ip is not distinct from described.client_ip
order by estimate desc, sample_size desc, first.client_ip
