"""Checks of a running pair, and the proof of what its clients feel."""
