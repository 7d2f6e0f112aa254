"""The spec that a user writes: its model, loading it with line numbers, and checking it."""
