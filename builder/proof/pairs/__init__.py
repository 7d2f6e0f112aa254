"""The pair as scenarios break and mend it: the same words for nodes in namespaces and for machines of the lab."""

from builder.proof.pairs.machine import Machine
from builder.proof.pairs.pair import Daemon, Pair

__all__ = ["Daemon", "Machine", "Pair"]
