-- The spread of a group as it may be where it looks small: as if eight more requests of
-- the traffic's own mix (`overall`, its spread) belonged to it. A group that a few
-- heavy records stand for is by chance seen without them, and would look too certain.
create or replace macro cautious_spread(total, excess, overall) as
    greatest(
        spread(total, excess),
        spread(
            total + 8 * (overall + 1),
            excess + 8 * (overall + 1) * overall
        )
    )
