"""Each node's identity: its seed, and the transports that bring a seed to its node."""

DEFAULT_TRANSPORT = "iso"
"""The one that every hypervisor can use. It stands here because `vipforge --help` needs its name and nothing more."""
TRANSPORT_HELP = "How seeds reach their nodes; `vipforge transports` lists the ways."
