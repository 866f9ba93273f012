-- Weighted mean of a quantity over the records that have it; null when none has.
create or replace macro weighted_mean(weight, quantity) as
    share(
        sum(weight::double * quantity), sum(weight) filter (where quantity is not null)
    )
