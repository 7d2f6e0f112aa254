"""What every other package builds on: errors, files, subprocesses, progress."""
