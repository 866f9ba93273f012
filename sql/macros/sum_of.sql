-- Estimate of a total of a quantity from sums of a group: of weight * quantity, of
-- excess_weight(weight) * quantity^2, of the quantity as recorded (`known`), and the
-- number of records; a struct of estimate, lower, upper and sample_size.
create or replace macro sum_of(total, excess, known, size, confidence := 0.95) as {
    'estimate': saturated(total),
    'lower': saturated(
        greatest(
            floor(total_bound(total, spread(total, excess), -z_score(confidence))),
            known
        )
    ),
    'upper': saturated(
        ceil(total_bound(total, spread(total, excess), z_score(confidence)))
    ),
    'sample_size': size::bigint
}
