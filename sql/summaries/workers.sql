-- name: workers
-- question: Which Workers ran, how did they end, and how long did they take?
-- params:
--   limit integer 1..100000 = 100: rows to return
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per Worker and status
-- columns:
--   worker varchar: script; null when not recorded
--   worker_status varchar: how the runtime ended it: ok, exception, …
--   estimate bigint: requests that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   client_error_share double: part of them answered with 4xx, 0 to 1
--   server_error_share double: part of them answered with 5xx, 0 to 1
--   mean_cpu_us double: weighted mean of its processor time, microseconds
--   max_cpu_us bigint: the longest recorded
--   mean_wall_us double: weighted mean of its time from start to end, microseconds
--   max_wall_us bigint: the longest recorded
--   share double: part of all requests that met a Worker, 0 to 1
-- needs: WorkerScriptName|WorkerStatus|WorkerCPUTime|WorkerWallTimeUs
-- caveats: subrequests of Workers are requests of their own
with counted as (
    select
        worker,
        worker_status,
        unnest(estimate_count(weight, $confidence)),
        status_share(weight, status, 400, 499) as client_error_share,
        status_share(weight, status, 500, 599) as server_error_share,
        weighted_mean(weight, worker_cpu_us) as mean_cpu_us,
        max(worker_cpu_us) as max_cpu_us,
        weighted_mean(weight, worker_wall_us) as mean_wall_us,
        max(worker_wall_us) as max_wall_us
    from chosen_requests($capture, $label, $since, $until)
    where
        worker is not null
        or worker_status is not null
        or worker_cpu_us > 0
        or worker_wall_us > 0
    group by worker, worker_status
)
select *, share(estimate, sum(estimate) over ()) as share
from counted
order by estimate desc, sample_size desc, worker, worker_status
limit $limit
