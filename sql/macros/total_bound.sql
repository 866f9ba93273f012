-- One bound of a total: the upper one for z, the lower one for -z. The totals T between
-- them are those with (T - total)^2 <= z^2 T spread, which is Wilson's way: the
-- variance is that of the bound, not of the estimate, so that few records do not look
-- certain.
create or replace macro total_bound(total, spread, z) as
    total + z ** 2 * spread / 2 + z * sqrt(total * spread + (z * spread / 2) ** 2)
