-- Estimate of a count from the sums of a group: `total` of the weights, `excess` of
-- excess_weight(weight), `size` of the records; a struct of estimate, lower, upper and
-- sample_size. It looks at all rows of the select that it stands in: they are the
-- traffic that the group is part of. Without any record there is no upper bound: it is
-- null.
create or replace macro estimate_of(total, excess, size, confidence := 0.95) as {
    'estimate': saturated(coalesce(total, 0)),
    'lower': saturated(
        greatest(
            floor(
                total_bound(
                    coalesce(total, 0)::double,
                    spread(total, excess),
                    -z_score(confidence)
                )
            ),
            coalesce(size, 0)
        )
    ),
    'upper': if(
        sum(size) over () > 0,
        saturated(
            ceil(
                total_bound(
                    coalesce(total, 0)::double,
                    cautious_spread(
                        coalesce(total, 0),
                        coalesce(excess, 0),
                        spread(sum(total) over (), sum(excess) over ())
                    ),
                    z_score(confidence)
                )
            )
        ),
        null
    ),
    'sample_size': coalesce(size, 0)::bigint
}
