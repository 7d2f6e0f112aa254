"""The clients of a proof: one program that sends requests to the VIP continuously and records every answer.

It runs as `python -I -m builder.faults.probes FOLDER` where the clients are, and uses only the standard library. All
times are CLOCK_MONOTONIC, which all network namespaces of the host share.
"""
