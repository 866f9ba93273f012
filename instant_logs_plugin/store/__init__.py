"""What a capture is, on disk or in a bucket."""
