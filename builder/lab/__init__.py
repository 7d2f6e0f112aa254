"""The lab: the nodes of a cluster on this host, with the network, the stub servers and a client that they need."""
