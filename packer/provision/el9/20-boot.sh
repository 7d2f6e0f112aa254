#!/bin/sh
# The kernel's words and an initial RAM disk with the drivers of KVM and vSphere.
set -eu
echo '==> setting how the guest boots'

grubby --update-kernel=ALL --args='console=tty0 console=ttyS0,115200 net.ifnames=0'
dracut --regenerate-all --force
