-- One row per record: its fields as stored, then columns derived from them, null when
-- what they are made of was not recorded. `weight` is the number of requests a record
-- stands for. Text that says nothing ('') is null here; a part of the origin's time is
-- null when the origin was not asked.
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
    greatest(
        OriginResponseStatus,
        OriginResponseDurationMs,
        OriginResponseTime,
        OriginResponseHeaderReceiveDurationMs
    ) > 0 as is_origin_asked,
    nullif(OriginIP, '') as origin_ip,
    ClientRequestHost as host,
    ClientRequestMethod as "method",
    coalesce(ClientRequestPath, split_part(ClientRequestURI, '?', 1)) as path,
    nullif(ClientRequestProtocol, '') as protocol,
    nullif(ClientSSLProtocol, '') as tls,
    ClientIP as client_ip,
    lower(ClientCountry) as country,
    ClientASN as asn,
    nullif(ClientDeviceType, '') as device,
    nullif(ClientRequestUserAgent, '') as user_agent,
    EdgeColoCode as colo,
    EdgeResponseBytes as bytes,
    ClientRequestBytes as request_bytes,
    nullif(EdgeResponseContentType, '') as content_type,
    lower(CacheCacheStatus) as cache_status,
    is_hit_status(lower(CacheCacheStatus)) as is_cache_hit,
    EdgeTimeToFirstByteMs as ttfb_ms,
    ClientTCPRTTMs as client_rtt_ms,
    nullif(
        coalesce(
            OriginResponseDurationMs,
            if(OriginResponseTime > 0, greatest(OriginResponseTime // 1000000, 1), 0)
        ),
        0
    ) as origin_ms,
    if(is_origin_asked is false, null, OriginDNSResponseTimeMs) as origin_dns_ms,
    if(is_origin_asked is false, null, OriginTCPHandshakeDurationMs) as origin_tcp_ms,
    if(is_origin_asked is false, null, OriginTLSHandshakeDurationMs) as origin_tls_ms,
    if(is_origin_asked is false, null, OriginRequestHeaderSendDurationMs)
        as origin_send_ms,
    if(is_origin_asked is false, null, OriginResponseHeaderReceiveDurationMs)
        as origin_wait_ms,
    coalesce(
        SecurityActions, if(SecurityAction is null, null, [SecurityAction])
    ) as security_actions,
    coalesce(
        SecurityRuleIDs, if(SecurityRuleID is null, null, [SecurityRuleID])
    ) as security_rule_ids,
    SecuritySources as security_sources,
    WAFAttackScore as attack_score,
    BotScore as bot_score,
    nullif(BotScoreSrc, '') as bot_score_source,
    nullif(VerifiedBotCategory, '') as verified_bot,
    nullif(JSDetectionPassed, '') as js_detection,
    nullif(WorkerScriptName, '') as worker,
    nullif(WorkerStatus, '') as worker_status,
    WorkerCPUTime as worker_cpu_us,
    WorkerWallTimeUs as worker_wall_us
from recorded
left join (select capture_id, sample_factor from captures) using (capture_id)
