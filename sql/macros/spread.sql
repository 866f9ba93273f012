-- Variance of a total by unit of it: the mean of w - 1 over the requests; 0 for none.
create or replace macro spread(total, excess) as coalesce(excess / nullif(total, 0), 0)
