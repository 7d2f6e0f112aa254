#!/bin/sh
# The kernel's words (/etc/default/grub) and an initial RAM disk with the drivers of KVM and vSphere.
set -eu
echo '==> setting how the guest boots'

grub2-mkconfig --output=/boot/grub2/grub.cfg
dracut --regenerate-all --force
