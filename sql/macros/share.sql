-- A part of a whole as a fraction from 0 to 1; null when the whole is 0.
create or replace macro share(part, whole) as part::double / nullif(whole, 0)
