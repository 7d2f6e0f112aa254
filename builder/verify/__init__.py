"""Checking running nodes: the testinfra suite, and what runs it."""
