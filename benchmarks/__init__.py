"""Comparative measurements. None of them is a test: they take minutes, and their results depend on the host."""
