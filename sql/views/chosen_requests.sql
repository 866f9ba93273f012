-- The records that a question is about: those of chosen_captures whose request started
-- in [since, until); null leaves an end open.
create or replace macro chosen_requests(capture, label, since, until) as table
from requests
semi join chosen_captures(capture, label) using (capture_id)
where in_range(edge_start, since, until)
