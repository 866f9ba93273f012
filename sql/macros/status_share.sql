-- Part of the requests with a known status whose status is from low to high, 0 to 1.
create or replace macro status_share(weight, status, low, high) as
    share(
        estimate_if(weight, status between low and high),
        estimate_if(weight, status is not null)
    )
