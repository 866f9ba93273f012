-- The program that a User-Agent header names, roughly: it is what the client says.
create or replace macro agent_family(user_agent) as
    case
        when user_agent is null then null
        when regexp_matches(user_agent, '(?i)bot|crawl|spider|slurp') then 'crawler'
        when regexp_matches(user_agent, '(?i)^(curl|wget|httpie)') then 'command line'
        when regexp_matches(user_agent, '(?i)^(python|go-http|java|okhttp|axios|node)')
            then 'program'
        when contains(user_agent, 'Edg') then 'Edge'
        when contains(user_agent, 'OPR/') then 'Opera'
        when contains(user_agent, 'SamsungBrowser') then 'Samsung Internet'
        when contains(user_agent, 'Firefox/') or contains(user_agent, 'FxiOS')
            then 'Firefox'
        when contains(user_agent, 'Chrome/') or contains(user_agent, 'CriOS')
            then 'Chrome'
        when contains(user_agent, 'Safari/') then 'Safari'
        else 'other'
    end
