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
-- needs: EdgeResponseStatus, ClientRequestPath|ClientRequestURI|EdgeColoCode|OriginIP
-- caveats: an error has no origin address when the origin was not asked
with
chosen as (
    select
        path,
        colo,
        origin_ip,
        origin_status,
        weight::double as weight,
        is_error,
        if(is_error, weight::double, 0) as error,
        if(is_error, excess_weight(weight), 0) as excess,
        if(is_server_error, weight::double, 0) as server_error,
        if(is_error and origin_status = status, weight::double, 0) as origin_error
    from chosen_requests($capture, $label, $since, $until)
),
-- Paths are many: grouped once, each by itself; the other dimensions are few.
per_group as (
    select
        grouping(path) = 0 as is_path,
        path,
        colo,
        origin_ip,
        count_if(is_error) as size,
        sum(error) as total,
        sum(excess) as excess,
        sum(server_error) as server_errors,
        sum(origin_error) as origin_errors,
        sum(weight) as requests,
        count(origin_status) > 0 as is_origin_known
    from chosen
    group by grouping sets ((path), (colo, origin_ip))
),
per_value as (
    select
        *,
        unnest(
            if(
                is_path,
                [dimension('path', collapse_ids(path))],
                [dimension('colo', colo), dimension('origin', origin_ip)]
            ),
            recursive := true
        )
    from per_group
),
counted as (
    select
        dimension,
        value,
        unnest(estimate_of(sum(total), sum(excess), sum(size), $confidence)),
        saturated(sum(total) - sum(server_errors)) as client_errors,
        saturated(sum(server_errors)) as server_errors,
        if(bool_or(is_origin_known), saturated(sum(origin_errors)), null)
            as origin_errors,
        saturated(sum(requests)) as requests,
        share(sum(total), sum(requests)) as error_share
    from per_value
    group by dimension, value
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
