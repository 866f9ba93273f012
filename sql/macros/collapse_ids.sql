-- A path whose ids are named alike: a number, a UUID, or 16 hexadecimal digits or more
-- at the start of a part become :id.
--   /users/42/photos/7f0c1d2e3a4b5c6d.png is /users/:id/photos/:id.png
create or replace macro collapse_ids(path) as
    regexp_replace(
        path,
        '/([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}|\d+)\b',
        '/:id',
        'g'
    )
