-- name: methods_protocols_tls
-- question: With which methods, protocols and TLS versions are requests made?
-- params:
--   limit integer 1..100000 = 20: rows to return of each dimension
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per dimension and value, the most frequent of each
-- columns:
--   dimension varchar: method, protocol or tls; one that was not recorded is left out
--   value varchar: its value
--   estimate bigint: requests that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   client_error_share double: part of them answered with 4xx, 0 to 1
--   server_error_share double: part of them answered with 5xx, 0 to 1
--   share double: part of all requests of the dimension, 0 to 1
-- needs: ClientRequestMethod|ClientRequestProtocol|ClientSSLProtocol
-- caveats: a TLS version of none is a request without TLS
with counted as (
    select
        case
            when grouping("method") = 0 then 'method'
            when grouping(protocol) = 0 then 'protocol'
            when grouping(tls) = 0 then 'tls'
        end as dimension,
        coalesce("method", protocol, tls) as value,
        unnest(estimate_count(weight, $confidence)),
        status_share(weight, status, 400, 499) as client_error_share,
        status_share(weight, status, 500, 599) as server_error_share
    from chosen_requests($capture, $label, $since, $until)
    group by grouping sets (("method"), (protocol), (tls))
)
select *, share(estimate, sum(estimate) over dimensions) as share
from counted
window dimensions as (partition by dimension)
qualify
    count(value) over dimensions > 0
    and row_number() over (
        partition by dimension order by estimate desc, sample_size desc, value
    ) <= $limit
order by dimension, estimate desc, sample_size desc, value
