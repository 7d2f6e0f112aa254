#!/bin/sh
# Lists what is installed, for the image's manifest. In memory, so that no trace of it is in the image.
set -eu
echo '==> listing the packages'

rpm --query --all --queryformat '%{NAME} %{VERSION}-%{RELEASE}\n' >/dev/shm/vipforge-packages
[ -s /dev/shm/vipforge-packages ]
chmod 0644 /dev/shm/vipforge-packages
