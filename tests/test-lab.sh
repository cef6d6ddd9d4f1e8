#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boots a real Xen once, and runs suite.sh in its dom0.
# Environment: SOURCE, XEN_PARTS; BUILD, where the programs are; TEST_XLL, the ASan build of it.
set -u
exec python3 "$SOURCE/tests/lab/lab.py" --parts "$XEN_PARTS" --prog "$BUILD/xl-lite" \
    --prog "$BUILD/xsutil-example" --prog "$BUILD/tests/lab-domain" --prog "$TEST_XLL" \
    --file "$BUILD/tests/other-version.so:/lab/other-version.so" \
    run --timeout 600 "$SOURCE/tests/lab/suite.sh"
