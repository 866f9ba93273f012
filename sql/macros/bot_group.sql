-- The group of a bot score, as Cloudflare names them (1 is automated for certain, below
-- 30 likely, 0 is not computed); verified bots are a group of their own.
create or replace macro bot_group(bot_score, verified_bot) as
    case
        when verified_bot is not null then 'verified bot'
        when bot_score = 1 then 'automated'
        when bot_score between 2 and 29 then 'likely automated'
        when bot_score between 30 and 99 then 'likely human'
        when bot_score = 0 then 'not computed'
    end
