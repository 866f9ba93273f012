-- Weighted total of a quantity; null, not 0, when no record has it.
create or replace macro sum_if_known(weight, quantity) as
    if(count(quantity) > 0, weighted_sum(weight, quantity), null)
