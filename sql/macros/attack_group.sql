-- The group of a WAF attack score, as Cloudflare names them; low scores are attacks.
create or replace macro attack_group(attack_score) as
    case
        when attack_score between 1 and 20 then 'attack'
        when attack_score between 21 and 50 then 'likely attack'
        when attack_score between 51 and 80 then 'likely clean'
        when attack_score between 81 and 99 then 'clean'
        when attack_score is not null then 'not scored'
    end
