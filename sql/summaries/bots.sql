-- name: bots
-- question: How much of the traffic is automated, and which bots are known?
-- params:
--   limit integer 1..100000 = 20: rows to return of each dimension
--   capture text = null: beginning of an id, or latest; null for every capture
--   label text = null: only captures with this label, key=value
--   since timestamp = null (EdgeStartTimestamp): first instant counted, inclusive
--   until timestamp = null (EdgeStartTimestamp): end of what is counted, exclusive
--   confidence number 0.5..0.9999 = 0.95: level of lower and upper
-- grain: one row per dimension and value, the most frequent of each
-- columns:
--   dimension varchar: group, verified_bot, score_source or js_detection
--   value varchar: its value
--   estimate bigint: requests that the records stand for
--   lower bigint: lower bound of the estimate
--   upper bigint: upper bound of the estimate
--   sample_size bigint: records that it stands on
--   client_error_share double: part of them answered with 4xx, 0 to 1
--   server_error_share double: part of them answered with 5xx, 0 to 1
--   share double: part of all requests of the dimension, 0 to 1
-- needs: BotScore|VerifiedBotCategory|BotScoreSrc|JSDetectionPassed
-- caveats: needs Bot Management; the groups are those of sql/macros/bot_group.sql
with counted as (
    select
        case
            when grouping(bot_group) = 0 then 'group'
            when grouping(verified_bot) = 0 then 'verified_bot'
            when grouping(bot_score_source) = 0 then 'score_source'
            when grouping(js_detection) = 0 then 'js_detection'
        end as dimension,
        coalesce(bot_group, verified_bot, bot_score_source, js_detection) as value,
        unnest(estimate_count(weight, $confidence)),
        status_share(weight, status, 400, 499) as client_error_share,
        status_share(weight, status, 500, 599) as server_error_share
    from (
        select *, bot_group(bot_score, verified_bot) as bot_group
        from chosen_requests($capture, $label, $since, $until)
    )
    group by grouping sets (
        (bot_group), (verified_bot), (bot_score_source), (js_detection)
    )
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
