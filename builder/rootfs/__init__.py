"""Roots of a guest's operating system, made on this host without emulation."""
