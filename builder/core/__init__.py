"""What every other package builds on: errors, files, subprocesses, waiting, progress and traces."""
