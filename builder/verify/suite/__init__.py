"""The suite that `vipforge verify` runs with pytest: one module per part of a node, and one for the cluster.

A check is a test function. The first line of its docstring is its name in the table, the JUnit XML and docs/verify.md.
"""
