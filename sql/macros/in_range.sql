-- Whether a time lies in the half-open range [since, until); null leaves an end open.
create or replace macro in_range(moment, since, until) as
    (since is null or moment >= since::timestamptz)
    and (until is null or moment < until::timestamptz)
