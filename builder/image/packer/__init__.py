"""Packer: its template, its runs, its output, and the program itself."""
