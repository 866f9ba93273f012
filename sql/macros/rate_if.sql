-- Estimate of the rate of groups for which a condition holds, from their sums: `total`
-- of the weights, `excess` of excess_weight(weight), `size` of the records.
create or replace macro rate_if(total, excess, size, condition, confidence := 0.95) as
    rate_of(
        sum(total) filter (where condition is not null),
        coalesce(sum(total) filter (where condition), 0),
        sum(excess) filter (where condition is not null),
        coalesce(sum(excess) filter (where condition), 0),
        coalesce(sum(size) filter (where condition is not null), 0),
        confidence := confidence
    )
