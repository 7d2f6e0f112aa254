"""Packer: the program, its builders and template, one run of it, and its output."""
