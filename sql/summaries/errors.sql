-- name: errors
-- question: Where are the errors: which paths, data centres and origins?
-- params:
--   limit integer 1..100000 = 20: rows to return of each dimension
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per dimension and value with errors, the most frequent of each
-- columns:
--   dimension varchar: path, colo, origin (its address); if recorded
--   value varchar: its value; null where an error has none
--   estimate bigint: requests answered with 4xx or 5xx
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   client_errors bigint: of the estimate, answered with 4xx
--   server_errors bigint: of the estimate, answered with 5xx
--   origin_errors bigint: of the estimate, made by the origin; null when not recorded
--   requests bigint: requests of any status to it, weighted
--   error_share double: errors by request, 0 to 1
--   share double: part of all errors of the dimension, 0 to 1
-- needs: EdgeResponseStatus
-- caveats: an error has no origin address when the origin was not asked
with
per_value as (
    select
        case
            when grouping(path) = 0 then 'path'
            when grouping(colo) = 0 then 'colo'
            when grouping(origin_ip) = 0 then 'origin'
        end as dimension,
        coalesce(path, colo, origin_ip) as value,
        count(*) filter (where is_error) as size,
        sum(weight) filter (where is_error) as total,
        sum(excess_weight(weight)) filter (where is_error) as excess,
        sum(weight) filter (where is_server_error) as server_errors,
        sum(weight) filter (where is_error and origin_status = status) as origin_errors,
        sum(weight) as requests,
        count(origin_status) > 0 as is_origin_known
    from chosen_requests($capture, $label, $since, $until)
    group by grouping sets ((path), (colo), (origin_ip))
),
counted as (
    select
        dimension,
        if(dimension = 'path', collapse_ids(value), value) as value,
        unnest(estimate_of(sum(total), sum(excess), sum(size), $confidence)),
        saturated(sum(total) - coalesce(sum(server_errors), 0)) as client_errors,
        saturated(coalesce(sum(server_errors), 0)) as server_errors,
        if(bool_or(is_origin_known), saturated(coalesce(sum(origin_errors), 0)), null)
            as origin_errors,
        saturated(sum(requests)) as requests,
        share(sum(total), sum(requests)) as error_share
    from per_value
    group by dimension, if(dimension = 'path', collapse_ids(value), value)
)
select *, share(estimate, sum(estimate) over dimensions) as share
from counted
where sample_size > 0
window dimensions as (partition by dimension)
qualify
    count(value) over dimensions > 0
    and row_number() over (
        partition by dimension order by estimate desc, sample_size desc, value
    ) <= $limit
order by dimension desc, estimate desc, sample_size desc, value
