"""Vendors that stand in for those of the RPM family: their base disks, repositories and installer, made of Debian's packages."""
