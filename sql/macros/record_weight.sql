-- How many requests a record stands for: its sample interval (1 when absent) times
-- what its capture asked for under its rule. Never below 1; saturates, never fails.
create or replace macro record_weight(sample_interval, sample_factor) as
    saturated(
        greatest(coalesce(sample_interval, 1), 1)::double
        * greatest(coalesce(sample_factor, 1), 1)
    )
