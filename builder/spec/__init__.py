"""What a user writes: the spec, its loading with line numbers, and its checks."""
