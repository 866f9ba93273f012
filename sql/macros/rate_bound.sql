-- One bound of a rate, Wilson's: the upper one for z, the lower one for -z. `scarcity`
-- is one by the effective sample size; at 0, when all was recorded, it is the rate
-- itself.
create or replace macro rate_bound(rate, scarcity, z) as
    if(
        rate is null,
        null,
        least(
            greatest(
                (
                    rate + z ** 2 * scarcity / 2
                    + z * sqrt(rate * (1 - rate) * scarcity + (z * scarcity / 2) ** 2)
                ) / (1 + z ** 2 * scarcity),
                0
            ),
            1
        )
    )
