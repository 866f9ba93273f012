-- One row per record: its fields as stored, then columns derived from them, null when
-- what they are made of was not recorded. `weight` is the number of requests a record
-- stands for; `origin_ms` is null when the origin was not asked.
create or replace view requests as
select
    columns(lambda name: is_recorded(name)),
    EdgeStartTimestamp as edge_start,
    EdgeEndTimestamp as edge_end,
    record_weight(sampleInterval, sample_factor) as weight,
    EdgeResponseStatus as status,
    case
        when EdgeResponseStatus between 200 and 299 then '2xx'
        when EdgeResponseStatus between 300 and 399 then '3xx'
        when EdgeResponseStatus between 400 and 499 then '4xx'
        when EdgeResponseStatus between 500 and 599 then '5xx'
        when EdgeResponseStatus between 100 and 199 then '1xx'
        when EdgeResponseStatus is not null then 'other'
    end as status_class,
    EdgeResponseStatus between 400 and 599 as is_error,
    EdgeResponseStatus between 500 and 599 as is_server_error,
    OriginResponseStatus as origin_status,
    ClientRequestHost as host,
    ClientRequestMethod as "method",
    coalesce(ClientRequestPath, split_part(ClientRequestURI, '?', 1)) as path,
    ClientIP as client_ip,
    lower(ClientCountry) as country,
    ClientASN as asn,
    EdgeColoCode as colo,
    EdgeResponseBytes as bytes,
    lower(CacheCacheStatus) as cache_status,
    is_hit_status(lower(CacheCacheStatus)) as is_cache_hit,
    EdgeTimeToFirstByteMs as ttfb_ms,
    nullif(
        coalesce(
            OriginResponseDurationMs,
            if(OriginResponseTime > 0, greatest(OriginResponseTime // 1000000, 1), 0)
        ),
        0
    ) as origin_ms,
    coalesce(
        SecurityActions, if(SecurityAction is null, null, [SecurityAction])
    ) as security_actions,
    coalesce(
        SecurityRuleIDs, if(SecurityRuleID is null, null, [SecurityRuleID])
    ) as security_rule_ids,
    SecuritySources as security_sources
from recorded
left join (select capture_id, sample_factor from captures) using (capture_id)
