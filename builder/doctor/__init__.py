"""What this host has and lacks for the work, and what follows from it."""
