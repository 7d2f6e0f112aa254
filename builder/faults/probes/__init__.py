"""The clients of a proof: one program that asks the VIP all the time and writes down every answer with its time.

`python -I -m builder.faults.probes FOLDER`, run where the clients are. It needs nothing but the standard library, and
all its times are CLOCK_MONOTONIC, which every namespace of the host shares.
"""
