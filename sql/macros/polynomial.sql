-- A polynomial's value at x, coefficients from the highest power down to the constant.
create or replace macro polynomial(coefficients, x) as
    list_reduce(coefficients, lambda value, coefficient: value * x + coefficient)
