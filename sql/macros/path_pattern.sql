-- A path with the ids in it collapsed: /orders/17/items becomes /orders/{id}/items. An
-- id is a segment of digits, a UUID, eight or more hex digits with a decimal one among
-- them, or twenty or more letters, digits, - and _ with a decimal digit among them.
create or replace macro path_pattern(path) as
    array_to_string(
        list_transform(
            string_split(path, '/'),
            lambda segment: if(
                regexp_full_match(segment, '[0-9]+')
                or (
                    regexp_full_match(
                        segment,
                        '(?i)[0-9a-f]{8,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
                        || '|[0-9a-z_-]{20,}'
                    )
                    and regexp_matches(segment, '[0-9]')
                ),
                '{id}',
                segment
            )
        ),
        '/'
    )
