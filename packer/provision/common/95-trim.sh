#!/bin/sh
# Gives the free blocks back, so that the image is as small as its content.
set -eu
echo '==> trimming the disk'

sync
fstrim --verbose /
