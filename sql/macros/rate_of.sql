-- Estimate of a rate from sums: the weights of all records and of the hits among them,
-- then excess_weight(weight) of both, and the number of records. The variance is that
-- of the linearised ratio, with a cautious spread of the hits above and of the rest
-- below.
create or replace macro rate_of(
    total, hits, excess, hit_excess, size, confidence := 0.95
) as {
    'estimate': hits / total::double,
    'lower': rate_bound(
        hits / total::double,
        (
            spread(hits, hit_excess) * (1 - hits / total::double)
            + cautious_spread(
                total - hits, excess - hit_excess, spread(total, excess)
            ) * (hits / total::double)
        ) / total,
        -z_score(confidence)
    ),
    'upper': rate_bound(
        hits / total::double,
        (
            cautious_spread(hits, hit_excess, spread(total, excess))
            * (1 - hits / total::double)
            + spread(total - hits, excess - hit_excess) * (hits / total::double)
        ) / total,
        z_score(confidence)
    ),
    'sample_size': size::bigint
}
