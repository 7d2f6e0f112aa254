"""Each node's identity: its seed, and the forms a seed travels in."""
