"""From messages to committed segments."""
