-- Records first to last of made-up traffic. Squares of uniform numbers make some values
-- frequent; four letters a to d are one request's independent uniform numbers.
with drawn as (
    select
        i,
        hash(i) / 18446744073709551616 as a,
        hash(i + 1) / 18446744073709551616 as b,
        hash(i + 2) / 18446744073709551616 as c,
        hash(i + 3) / 18446744073709551616 as d
    from range($first, $last) t(i)
),
chosen as (
    select
        *,
        floor(a * a * 300000)::bigint as client,
        case
            when c < 0.60 then ['hit', 'miss', 'expired', 'revalidated'][
                1 + floor(4 * d * d)::bigint
            ]
            else 'dynamic'
        end as cache,
        case
            when d < 0.9 then 200
            when d < 0.94 then 304
            when d < 0.97 then 404
            when d < 0.985 then 403
            else [500, 502, 503, 522][1 + i % 4]
        end as status
    from drawn
)
select
    $capture as capture_id,
    make_timestamptz($start_us + (i - $first) * 200 + 4000000) as received_at,
    null::varchar as extra,
    if((i // 1000000) % 2 = 0, 1, 10)::bigint as sampleInterval,
    make_timestamptz($start_us + (i - $first) * 200) as EdgeStartTimestamp,
    make_timestamptz($start_us + (i - $first) * 200 + 90000) as EdgeEndTimestamp,
    printf('%016x', hash(i + 9)) as RayID,
    format(
        '{}.{}.{}.{}', 1 + client % 223, client // 223 % 256, client % 251, client % 7
    ) as ClientIP,
    ['us', 'de', 'fr', 'gb', 'in', 'br', 'jp', 'nl'][1 + client % 8] as ClientCountry,
    64500 + client % 900 as ClientASN,
    ['desktop', 'mobile', 'tablet'][1 + client % 3] as ClientDeviceType,
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/'
        || 100 + client % 40 || '.0.' || client % 75 || '.0 Safari/537.36'
        as ClientRequestUserAgent,
    ['www', 'api', 'static', 'shop'][1 + floor(4 * b)::bigint] || '.example.com'
        as ClientRequestHost,
    ['GET', 'GET', 'GET', 'GET', 'POST', 'HEAD'][1 + floor(6 * c)::bigint]
        as ClientRequestMethod,
    case
        when b < 0.3 then '/api/v1/users/' || floor(a * 400000)::bigint || '/profile'
        when b < 0.5 then '/products/' || floor(a * a * 100000)::bigint
        when b < 0.9 then '/static/js/module-' || floor(a * a * 3000)::bigint || '.js'
        else '/' || ['', 'login', 'cart', 'search', 'about'][1 + floor(5 * a)::bigint]
    end as ClientRequestPath,
    ['HTTP/1.1', 'HTTP/2', 'HTTP/3'][1 + client % 3] as ClientRequestProtocol,
    ['TLSv1.2', 'TLSv1.3', 'none'][1 + client % 3] as ClientSSLProtocol,
    200 + floor(b * 2000)::bigint as ClientRequestBytes,
    5 + client % 190 as ClientTCPRTTMs,
    ['FRA', 'CDG', 'AMS', 'LHR', 'IAD', 'SJC', 'NRT', 'GRU'][1 + client % 8]
        as EdgeColoCode,
    status::bigint as EdgeResponseStatus,
    floor(exp(5 + 7 * d))::bigint as EdgeResponseBytes,
    ['text/html; charset=utf-8', 'application/json', 'text/javascript', 'image/webp'][
        1 + floor(4 * b)::bigint
    ] as EdgeResponseContentType,
    floor(exp(2 + 5 * c))::bigint as EdgeTimeToFirstByteMs,
    cache as CacheCacheStatus,
    if(cache in ('hit', 'revalidated'), 0, status)::bigint as OriginResponseStatus,
    if(cache = 'hit', '', '192.0.2.' || client % 5) as OriginIP,
    if(cache = 'hit', 0, floor(exp(1 + 5 * c)))::bigint as OriginResponseDurationMs,
    if(cache = 'hit', 0, client % 9)::bigint as OriginDNSResponseTimeMs,
    if(cache = 'hit', 0, client % 30)::bigint as OriginTCPHandshakeDurationMs,
    if(cache = 'hit', 0, client % 40)::bigint as OriginTLSHandshakeDurationMs,
    0::bigint as OriginRequestHeaderSendDurationMs,
    if(cache = 'hit', 0, floor(exp(1 + 4 * c)))::bigint
        as OriginResponseHeaderReceiveDurationMs,
    if(d > 0.95, [['block'], ['log', 'challenge']][1 + i % 2], []) as SecurityActions,
    if(d > 0.95, [['waf'], ['waf', 'ratelimit']][1 + i % 2], []) as SecuritySources,
    if(d > 0.95, [['r1'], ['r' || i % 50, 'r3']][1 + i % 2], []) as SecurityRuleIDs,
    1 + floor(99 * c)::bigint as WAFAttackScore,
    floor(100 * a)::bigint as BotScore,
    ['Heuristics', 'Machine Learning', 'Not Computed'][1 + client % 3] as BotScoreSrc,
    if(client % 50 = 0, 'Search Engine Crawler', '') as VerifiedBotCategory,
    ['passed', 'failed', 'missing'][1 + client % 3] as JSDetectionPassed,
    if(b < 0.3, 'edge-auth', '') as WorkerScriptName,
    if(b < 0.3, ['ok', 'ok', 'exception'][1 + client % 3], '') as WorkerStatus,
    if(b < 0.3, 100 + client % 900, 0)::bigint as WorkerCPUTime,
    if(b < 0.3, 1000 + client % 9000, 0)::bigint as WorkerWallTimeUs
from chosen
