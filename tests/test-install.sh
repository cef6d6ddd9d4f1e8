#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# `scons install` gives what a program needs: found by pkg-config, linked shared and static, from C
# and from C++, and README's program compiles as it stands there.
# It builds a copy of the checkout, as the build that runs this test is not finished.
# Environment: BUILD, the directory of the libraries and pages, and SOURCE, the checkout.
# shellcheck disable=SC2046,SC2317 # flags are words; check() calls what it is given
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root/source" && cd "$root/source" || exit 1
tar -C "$SOURCE" -c --exclude=./build --exclude=./.git . | tar -x
prefix=$root/usr
PKG_CONFIG_PATH=$prefix/lib/pkgconfig
LD_LIBRARY_PATH=$prefix/lib
export PKG_CONFIG_PATH LD_LIBRARY_PATH

check() { # TITLE COMMAND...
    title=$1
    shift
    "$@" >"$root/output" 2>&1
    tap $? "$title" "$root/output"
}

# The first C block of README.md.
awk '/^```c$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' README.md >"$root/readme.c"
cat >"$root/plus.cc" <<'END'
#include <xsutil/xsutil.h>
#include <xl-lite/xll.h>
int main()
{
    XSU_GC(gc, nullptr);
    return xs_pathf(gc, "/local/domain/%u", 1u) ? 0 : 1;
}
END
cat >"$root/both.c" <<'END'
#include <xl-lite/xll.h>
#include <xsutil/xsutil.h>
int main(void)
{
    g_autoptr(GError) error = NULL;
    XSU_GC(gc, NULL);
    return xs_pathf(gc, "/local/domain/%u", 1u) && xll_error_quark() ? 0 : 1;
}
END

flags() { pkg-config --cflags --libs "$@"; }
installed() { [ -e "$prefix/$1" ] || { echo "$1 is missing"; return 1; }; }
soname() { readelf -d "$prefix/lib/$1" | grep -q "SONAME.*\[$1\.so\.[0-9]*\]\|SONAME.*\[$2\]"; }

is_script() { [ -x "$1" ] && sh -n "$1"; }
is_unit() { # its command is there, and no key is unknown; what systemd says of other units is no matter
    systemd-analyze verify --man=no "$1" 2>&1 | grep -F "${1##*/}"
    [ $? -eq 1 ]
}

into() { file=$1 && shift && "$@" >"$file"; }

check "scons install" into "$root/said" scons -s install PREFIX="$prefix"
check "it says what makes the loader find the libraries" \
    grep -qxF "scons: for programs to find the libraries, run as root: echo $prefix/lib >/etc/ld.so.conf.d/xl-lite.conf; ldconfig" "$root/said"
for file in include/xsutil/xsutil.h include/xsutil/scratch.h include/xsutil/text.h \
    include/xsutil/connection.h include/xsutil/request.h include/xsutil/watch.h \
    include/xl-lite/xll.h include/xl-lite/xll-base.h include/xl-lite/xll-look.h \
    include/xl-lite/xll-monitor.h include/xl-lite/xll-act.h include/xl-lite/xll-make.h lib/libxsutil.a lib/libxl-lite.a \
    lib/libxsutil.so lib/libxl-lite.so lib/pkgconfig/xsutil.pc lib/pkgconfig/xl-lite.pc bin/xl-lite \
    share/bash-completion/completions/xl-lite share/man/man1/xl-lite.1 share/man/man3/xs_readf.3 \
    share/man/man3/xs_vreadf.3 share/man/man7/xsutil.7 share/man/man7/libxl-lite.7 \
    lib/systemd/system/xl-lite-supervise.service etc/init.d/xl-lite-supervise; do
    check "$file is installed" installed "$file"
done
check "the manual is the same wherever it is made" diff -r "$BUILD/man" "$prefix/share/man"
check "the unit starts the command that is installed" \
    grep -qxF "ExecStart=$prefix/bin/xl-lite supervise" "$prefix/lib/systemd/system/xl-lite-supervise.service"
check "so does OpenRC's script" grep -qxF "command=\"$prefix/bin/xl-lite\"" "$prefix/etc/init.d/xl-lite-supervise"
check "which is a script" is_script "$prefix/etc/init.d/xl-lite-supervise"
if command -v systemd-analyze >/dev/null; then
    check "systemd has nothing to say of the unit" \
        is_unit "$prefix/lib/systemd/system/xl-lite-supervise.service"
else
    echo "# no systemd-analyze here: the unit is not looked at"
fi
check "libxsutil has a soname" soname libxsutil.so libxsutil.so.0
check "libxl-lite has a soname" soname libxl-lite.so libxl-lite.so.0
check "README's program compiles without a warning" \
    gcc -Wall -Wextra -Werror "$root/readme.c" -o "$root/readme" $(flags xsutil)
check "the headers serve C++" \
    g++ -Wall -Wextra -Werror "$root/plus.cc" -o "$root/plus" $(flags xsutil xl-lite)
check "a C++ program runs" "$root/plus"
check "a program links both libraries" \
    gcc -Wall -Wextra -Werror "$root/both.c" -o "$root/both" $(flags xsutil xl-lite)
check "it runs on the shared libraries" "$root/both"
rm -f "$prefix"/lib/*.so*
check "it links the static libraries" \
    gcc "$root/both.c" -o "$root/static" $(flags --static xsutil xl-lite)
check "it runs without the shared ones" "$root/static"
check "DESTDIR goes in front" into "$root/said" \
    scons -s install PREFIX=/usr LIBDIR=lib/here DESTDIR="$root/dest" STANDALONE=no
check "LIBDIR is honoured" test -e "$root/dest/usr/lib/here/libxsutil.so"
for name in xsutil xl-lite; do
    check "$name.pc tells of the new PREFIX and LIBDIR" \
        grep -qxF "libdir=/usr/lib/here" "$root/dest/usr/lib/here/pkgconfig/$name.pc"
done
check "init scripts of /usr are below /etc" test -x "$root/dest/etc/init.d/xl-lite-supervise"
check "nothing is said of a loader that will not see it" test ! -s "$root/said"
loads() { LD_LIBRARY_PATH='' ldd "$1" | grep -F "$2"; }
check "without STANDALONE xl-lite loads what is installed with it" \
    loads "$root/dest/usr/bin/xl-lite" "libxl-lite.so.0 => $root/dest/usr/bin/../lib/here/libxl-lite.so.0"
check "an unknown option is an error that names it" \
    sh -c 'scons -s NOSUCH=1 2>&1 | grep -q "unknown option: NOSUCH"'
tap_end
