-- name: security
-- question: What did the security products do, by which rules?
-- params:
--   limit integer 1..100000 = 100: rows to return
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
-- grain: one row per action, source and rule
-- columns:
--   action varchar: what was done: block, challenge, log, …
--   source varchar: the product that matched; null when not recorded
--   rule_id varchar: the rule that matched; null when not recorded
--   recorded bigint: matches in the records
--   estimate bigint: matches they stand for
--   share double: matches by request of any kind; above 1 when requests match often
-- needs: SecurityAction|SecurityActions
-- caveats: a request that matches several rules counts under each of them
with
matches as (
    select
        unnest(security_actions) as action,
        unnest(security_sources) as source,
        unnest(security_rule_ids) as rule_id,
        weight
    from requests
    where in_range(edge_start, $since, $until) and len(security_actions) > 0
),
counted as (
    select
        action,
        nullif(source, '') as source,
        nullif(rule_id, '') as rule_id,
        count(*) as recorded,
        estimate(weight) as estimate
    from matches
    where action <> ''
    group by all
)
select
    *,
    share(
        estimate,
        (
            select estimate(weight) from requests
            where in_range(edge_start, $since, $until)
        )
    ) as share
from counted
order by estimate desc, action, source nulls first, rule_id nulls first
limit $limit
