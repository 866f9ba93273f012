-- What a record of weight w adds to the variance of a total: w (w - 1). It was kept
-- with probability 1/w, and w - 1 requests like it are not here; 0 for a weight of 1.
create or replace macro excess_weight(weight) as
    weight::double * (weight::double - 1)
