#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Making domains, run inside dom0: what they are beside xl's, and what is left when it goes wrong.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

# shellcheck source=tests/lab/create.sh
. "$(dirname "$0")/create.sh"

# seen DOMID UUID: nodes and permissions of all, with what differs between any two made the same
seen() {
    lab-ls -p | sed -E "s,/$1(/| ),/D\\1,g; s,/$1\",/D\",; s/([nrwb])$1([,)])/\\1D\\2/g; s/$2/U/g
        s,(/domid|/frontend-id) = \"$1\",\\1 = \"D\",; s,(/start_time) = \"[0-9]+\\.[0-9][0-9]\",\\1 = T,
        s,(/ring-ref) = \"[0-9]+\",\\1 = G,; s,/dev/pts/[0-9]+,/dev/pts/N,; s,domain/$1/,domain/D/,
        s,vif$1\\.,vifD.,; s,/run/lab-guests/disk-[0-9]+-a,/run/disk," | sort
}

# A boot of PVH dies under emulation once in a while, xl's as well, and is tried again.
up() { # NAME TYPE ARGUMENT...
    for _ in 1 2 3; do
        name=$1 type=$2
        rm -f "/var/log/xen/console/guest-$name.log"
        guest "name=$name" "type=$type"
        [ $status -eq 0 ] || return 1
        await is_up_or_down
        ! xl dmesg -c | grep -q "Triple fault" || { echo "# a triple fault" && xl destroy "$id" && continue; }
        has_said "$name" "lab guest is up"
        return
    done
}
is_up_or_down() {
    has_said "$name" "lab guest is up" || xl-lite list "id:$id" | grep ' ---s'
}

# ---- As xl makes it ----

for type in pv pvh; do
    for more in "" "max_memory_kib=131072 vcpus=1 max_vcpus=3 cpus=1 on_reboot=1 on_crash=3" "$DEVICES"; do
        title="a $type guest${more:+ with $more}"
        # shellcheck disable=SC2086 # words
        guest --paused name=web type=$type $more
        [ $status -eq 0 ] && [ ! -s create.err ]
        report $? "$title is made" create.out create.err
        trips=$(sed -n 's/^round-trips //p' create.out)
        # 11 to 18 if it waits for nothing; each thing that it hears of while it waits is one more.
        most=20
        [ "$more" != "$DEVICES" ] || most=30
        [ "$trips" -gt 5 ] && [ "$trips" -le $most ]
        report $? "$title is made in $trips round trips to xenstored" create.out
        seen "$id" "$uuid" >got
        xl list -l "$id" 2>&1 | sed "s/$uuid/U/; s/\"domid\": $id,/\"domid\": D,/" >got.list
        xl vcpu-list "$id" | sed "s/ $id / D /" >got.vcpus
        xl destroy "$id"
        host after
        ! grep -q "$uuid\|/$id/" after
        report $? "$title is destroyed by xl, and nothing is left" after
        set -- 'on_reboot="destroy"'
        options=
        case $more in
        max*) set -- maxmem=128 vcpus=1 maxvcpus=3 'cpus="0"' 'on_crash="preserve"' ;;
        nic*) options="--vif --disk" ;;
        esac
        # shellcheck disable=SC2086 # words
        lab-guest -p --type $type $options web "$@" || exit 1
        id=$(xl domid web)
        uuid=$(xenstore-read "/local/domain/$id/vm")
        uuid=${uuid#/vm/}
        seen "$id" "$uuid" >wanted
        xl list -l "$id" 2>&1 | sed "s/$uuid/U/; s/\"domid\": $id,/\"domid\": D,/" >wanted.list
        xl vcpu-list "$id" | sed "s/ $id / D /" >wanted.vcpus
        xl destroy "$id"
        [ "$(wc -l <wanted)" -gt 50 ] && cmp -s wanted got
        report $? "$title has the nodes of xl's" wanted got
        # Of a device xl leaves out what it takes by itself, and its path is its own.
        for list in wanted.list got.list; do
            [ "$more" != "$DEVICES" ] || sed -i '/"disks"/,/"on_soft_reset"/d' $list
        done
        cmp -s wanted.list got.list
        report $? "$title is known to xl as its own" wanted.list got.list
        # Where it would run, and how long it has, is of the moment.
        for list in wanted got; do
            awk 'NR > 1 { $4 = "C"; $6 = "T" } { print }' $list.vcpus >$list
        done
        cmp -s wanted got
        report $? "$title has the vcpus of xl's" wanted got
    done
done

# ---- What it does ----

host before
for type in pv pvh; do
    up web$type $type
    report $? "a $type guest boots" create.out create.err
    lab-create --read "$id" >read.out 2>read.err
    [ $? -eq 0 ] && grep -qx "name=web$type" read.out && grep -qx "uuid=$uuid" read.out && grep -qx "type=$type" read.out \
        && grep -qx "kernel=/lab/guest/kernel" read.out && grep -qx "memory_kib=98304" read.out
    report $? "what a $type guest was made of is read" read.out read.err
    xl mem-set "$id" 90 >xl.out 2>&1 && xl mem-max "$id" 96 >>xl.out 2>&1 && [ "$(xenstore-read "/local/domain/$id/memory/target")" = 92160 ]
    report $? "xl sets the memory of a $type guest" xl.out
    xl rename "$id" other >xl.out 2>&1 && lab-create --read "$id" | grep -qx name=other
    report $? "a $type guest that is renamed is read by its present name" xl.out
    xl shutdown -w "$id" >xl.out 2>&1
    xl list "$id" | grep -q ' ---s'
    report $? "a $type guest is shut down by xl" xl.out
    xl-lite destroy "$id" >lite.out 2>lite.err
    host after
    [ ! -s lite.err ] && cmp -s before after
    report $? "a $type guest is destroyed by xl-lite, and nothing is left" before after lite.err
done

up web pv
xl save web /run/web.save >xl.out 2>&1 && xl restore /run/web.save >>xl.out 2>&1 && [ "$(xl list web | awk 'NR == 2 { print $3 }')" = 96 ]
report $? "a pv guest is saved and restored by xl" xl.out
rm -f /run/web.save
xl destroy web
host after
cmp -s before after
report $? "a pv guest that was restored: nothing is left" before after
lab-create --read 0 >read.out 2>read.err
[ $? -eq 1 ] && [ ! -s read.out ] && grep -q "was made by another toolstack" read.err
report $? "what another made is not read" read.out read.err

# ---- What cannot be made ----

# refuses PATTERN OPTION... KEY=VALUE...: no domain, one line that says why, and nothing left
refuses() {
    pattern=$1
    shift
    timeout 60 lab-create "$@" >create.out 2>create.err
    status=$?
    host after
    [ $status -eq 1 ] && ! grep -q '^domid' create.out && [ "$(wc -l <create.err)" -eq 1 ] && grep -q -- "$pattern" create.err && cmp -s before after
    report $? "$pattern" create.err before after
}

mkfifo fifo
: >empty
echo "no kernel" >text
truncate -s 3G large
truncate -s 100M ramdisk
head -c 100000 /lab/guest/kernel >short
K=kernel=/lab/guest/kernel M=memory_kib=98304
refuses "name is missing" $K $M
refuses "kernel is missing" name=web $M
refuses "memory_kib is 0" name=web $K
refuses "memory_kib is 98305, and is to be a multiple of 1024" name=web $K memory_kib=98305
refuses "'7' cannot be a domain's name" name=7 $K $M
refuses "uuid is 'x'" name=web uuid=x $K $M
for what in kernel ramdisk; do
    base="name=web $M" && [ $what = kernel ] || base="$base $K"
    # shellcheck disable=SC2086 # words
    {
        refuses "create domain 'web': $what '/nonexistent' cannot be opened: No such file" $base $what=/nonexistent
        refuses "$what 'fifo' is no regular file" $base $what=fifo
        refuses "$what '/run' is no regular file" $base $what=/run
        refuses "$what 'empty' is empty" $base $what=empty
        refuses "$what 'large' has more than 1 GiB" $base $what=large
    }
done
for type in pv pvh; do
    refuses "kernel 'text' cannot be used: libxenguest says: .*no loader found" name=web type=$type $M kernel=text
    refuses "kernel 'short' cannot be used: libxenguest says: " name=web type=$type $M kernel=short
    refuses "kernel and ramdisk take [0-9]* KiB, and its memory is 98304 KiB" name=web type=$type $K $M ramdisk=ramdisk
    refuses "it needs 8388608 KiB of memory, and the host has [0-9]* KiB free; domain 0 ('Domain-0') has most, 1048[0-9]* KiB, and may be told to give some (mem-set)" \
        name=web type=$type $K memory_kib=8388608
    refuses "it needs 8388608 KiB of memory" --dry-run name=web type=$type $K memory_kib=8388608
    refuses "the hypervisor refuses such a guest: .*Invalid argument\|CPU\|max_vcpus\|vcpus" name=web type=$type $K $M max_vcpus=9000
done
refuses "cpus has CPU 7, and the host's are 0 to 1" name=web $K $M cpus=128
# shellcheck disable=SC2086 # words
XENSTORED_PATH=/nonexistent lab-create name=web $K $M >create.out 2>create.err
status=$?
host after
[ $status -eq 1 ] && [ ! -s create.out ] && [ "$(cat create.err)" = "lab-create: cannot reach xenstored (Connection refused): is it running?" ] \
    && cmp -s before after
report $? "without xenstored nothing is made" create.out create.err before after
lab-create --dry-run name=web $K $M >create.out 2>create.err
[ $? -eq 0 ] && [ ! -s create.err ] && grep -qx '[0-9]* write /local/domain/DOMID/name = web' create.out && host after && cmp -s before after
report $? "a dry run makes nothing" create.out create.err before after
guest --paused name=web
first=$id
host before
refuses "domain $first has the name 'web' already" name=web $K $M
refuses "domain $first has the name 'web' already" --dry-run name=web $K $M
refuses "domain $first has the UUID $uuid already" name=other "uuid=$uuid" $K $M
for n in 1 2 3; do
    lab-create --paused name=same $K $M >same.$n 2>&1 &
done
wait
[ "$(cat same.? | grep -c '^domid')" -eq 1 ] && [ "$(cat same.? | grep -c "has the name 'same' already")" -eq 2 ]
report $? "of three that are made at once with one name, one is" same.1 same.2 same.3
xl-lite destroy web same
host before

tap_end
