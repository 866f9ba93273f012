-- The gaps of chosen_captures.
create or replace macro chosen_gaps(capture, label) as table
from gaps
semi join chosen_captures(capture, label) using (capture_id)
