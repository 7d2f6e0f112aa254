"""Root file systems of a guest's operating system, built on this host without emulation."""
