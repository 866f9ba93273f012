-- A count with its noun: 1 gap, 2 gaps.
create or replace macro how_many(quantity, noun) as
    quantity || ' ' || noun || if(quantity = 1, '', 's')
