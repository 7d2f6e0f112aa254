"""Vendors that stand in for those of the RPM family: disks, repositories and an installer, of Debian's packages."""
