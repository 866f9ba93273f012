-- A number as an integer of 64 bits; what is too large becomes (almost) the largest.
create or replace macro saturated(number) as
    if(number > 9223372036854774784, 9223372036854774784, number)::bigint
