#!/bin/sh
# Lists what is installed, for the image's manifest. In memory, so that no trace of it is in the image. The columns are
# RPM_FIELDS in builder/image/packages.py; scanners need the source of a package, and its epoch, to find vulnerabilities.
set -eu
echo '==> listing the packages'

columns='%{NAME}\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{EPOCH}\t%{SOURCERPM}\t%{LICENSE}\n'
rpm --query --all --queryformat "$columns" >/dev/shm/vipforge-packages
[ -s /dev/shm/vipforge-packages ]
chmod 0644 /dev/shm/vipforge-packages
