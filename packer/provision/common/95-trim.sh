#!/bin/sh
# Gives the free blocks back, so that the image is as small as its content. A disk that takes none (one of a datastore
# that is not thin) stays as it is.
set -eu
echo '==> trimming the disk'

disk=/sys/dev/block/$(mountpoint --fs-devno /)
[ ! -e "$disk/partition" ] || disk=$disk/.. # the disk's folder holds that of its partition
if [ "$(cat "$disk/queue/discard_max_bytes")" -eq 0 ]; then
    echo 'the disk takes no free blocks back'
    exit 0
fi
sync
fstrim --verbose /
