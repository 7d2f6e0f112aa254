#!/bin/sh
# Ends the bake if a program of the guest has rewritten one of the appliance's files since they were laid, as firewalld does
# with zone files: `vipforge verify` would call every node changed, and a later push would not know the file.
set -eu
echo '==> checking that the appliance'\''s files are as they were laid'

tar --compare --file /tmp/payload.tar --directory /
rm -f /tmp/payload.tar
