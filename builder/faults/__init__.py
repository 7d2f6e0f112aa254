"""Fault injection: break a running pair on purpose, measure what its clients notice, and report it."""
