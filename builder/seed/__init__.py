"""Each node's identity and seed, and the transports that carry a seed to its node."""

DEFAULT_TRANSPORT = "iso"
"""Every hypervisor supports it. It is defined here so that `vipforge --help` need not import the transports."""
TRANSPORT_HELP = "How seeds reach their nodes; `vipforge transports` lists the transports."
