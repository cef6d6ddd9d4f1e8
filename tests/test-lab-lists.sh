#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boots a real Xen, and runs suite-lists.sh in its dom0.
# Environment: SOURCE, XEN_PARTS; BUILD, where the programs are.
set -u
exec python3 "$SOURCE/tests/lab/lab.py" --parts "$XEN_PARTS" --prog "$BUILD/xl-lite" \
    --prog "$BUILD/tests/lab-domain" run --timeout 600 "$SOURCE/tests/lab/suite-lists.sh"
