-- A content type without its parameters: Text/HTML; charset=utf-8 is text/html.
create or replace macro media_type(content_type) as
    lower(trim(split_part(content_type, ';', 1)))
