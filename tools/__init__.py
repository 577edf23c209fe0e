"""What touches the world: running programs, tracing them, checking that this works."""
