"""Stand-ins for the vendors of the RPM family: disks, repositories and an installer, made of Debian's packages."""
