"""The suite that `vipforge verify` runs with pytest: a module for each part of a node, and one for the cluster.

A check is a test function; its first docstring line is its name in the table, in the JUnit XML and in docs/verify.md.
"""
