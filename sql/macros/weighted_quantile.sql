-- Smallest value at or below which a fraction q of the weight lies. Its input is one
-- row per value: `upto` the weight of that value and all below it, `total` of all.
create or replace macro weighted_quantile(quantity, upto, total, q) as
    min(quantity) filter (where upto >= q * total)
