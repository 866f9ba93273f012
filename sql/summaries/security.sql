-- name: security
-- question: What did the security products do, and how bad did requests look?
-- params:
--   limit integer 1..100000 = 100: rows to return
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per action, source and rule, and one per group of attack scores
-- columns:
--   dimension varchar: match: action, source and rule; attack_score: group of the score
--   action varchar: what was done: block, challenge, log, …; null for an attack score
--   source varchar: the product that matched; null when not recorded
--   rule_id varchar: the rule that matched; null when not recorded
--   attack_group varchar: attack, likely attack, likely clean, clean, not scored
--   estimate bigint: matches, or requests scored so, that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   share double: part of all requests; above 1 when requests match often
-- needs: SecurityAction|SecurityActions|WAFAttackScore
-- caveats: a request that matches several rules counts under each of them
with
chosen as (
    select
        security_actions,
        security_sources,
        security_rule_ids,
        attack_group(attack_score) as attack_group,
        weight
    from chosen_requests($capture, $label, $since, $until)
),
matches as (
    select
        'match' as dimension,
        unnest(security_actions) as action,
        nullif(unnest(security_sources), '') as source,
        nullif(unnest(security_rule_ids), '') as rule_id,
        null as attack_group,
        weight
    from chosen
    where len(security_actions) > 0
),
counted as (
    select
        dimension,
        action,
        source,
        rule_id,
        attack_group,
        unnest(estimate_count(weight, $confidence))
    from (
        from matches
        where action <> ''
        union all by name
        select 'attack_score' as dimension, attack_group, weight
        from chosen
        where attack_group is not null
    )
    group by dimension, action, source, rule_id, attack_group
)
select
    *,
    share(estimate, (select estimate(weight) from chosen)) as share
from counted
order by
    dimension desc,
    estimate desc,
    action,
    source nulls first,
    rule_id nulls first,
    attack_group
limit $limit
