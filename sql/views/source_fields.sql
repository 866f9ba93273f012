-- Fields that the derived columns of `requests` are made of, typed and without rows:
-- what no capture recorded is null there instead of an error.
create or replace view source_fields as
select
    null::varchar as capture_id,
    null::varchar as zone_id,
    null::date as "date",
    null::timestamptz as received_at,
    null::varchar as extra,
    null::bigint as sampleInterval,
    null::varchar as CacheCacheStatus,
    null::bigint as ClientASN,
    null::varchar as ClientCountry,
    null::varchar as ClientIP,
    null::varchar as ClientRequestHost,
    null::varchar as ClientRequestMethod,
    null::varchar as ClientRequestPath,
    null::varchar as ClientRequestURI,
    null::varchar as EdgeColoCode,
    null::timestamptz as EdgeEndTimestamp,
    null::bigint as EdgeResponseBytes,
    null::bigint as EdgeResponseStatus,
    null::timestamptz as EdgeStartTimestamp,
    null::bigint as EdgeTimeToFirstByteMs,
    null::bigint as OriginResponseDurationMs,
    null::bigint as OriginResponseStatus,
    null::bigint as OriginResponseTime,
    null::varchar as SecurityAction,
    null::varchar[] as SecurityActions,
    null::varchar as SecurityRuleID,
    null::varchar[] as SecurityRuleIDs,
    null::varchar[] as SecuritySources
where false
