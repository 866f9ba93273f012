-- A value of a dimension, for rows that count in several: a list of them, unnested with
-- `recursive := true`, gives a row for each, with the columns dimension and value.
create or replace macro dimension(name, value) as {
    'dimension': name,
    'value': value::varchar
}
