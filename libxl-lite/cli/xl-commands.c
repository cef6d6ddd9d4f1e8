/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands of xl, up to 4.22, and options of its commands, that are not here: who tries one is told so. */
#include <string.h>

#include "cli.h"

static const char xl_commands[]
    = " config-update pci-attach pci-detach pci-list"
      " pci-assignable-add pci-assignable-remove pci-assignable-list"
      " vncviewer save migrate restore migrate-receive dump-core cd-insert cd-eject"
      " button-press vm-list sharing sched-credit sched-credit2"
      " sched-rtds debug-keys set-parameters dmesg top network-attach"
      " network-detach channel-list block-attach block-detach vtpm-attach"
      " vtpm-list vtpm-detach vkb-attach vkb-list vkb-detach vdispl-attach vdispl-list"
      " vdispl-detach vsnd-attach vsnd-list vsnd-detach claims cpupool-create cpupool-list"
      " cpupool-destroy cpupool-rename cpupool-cpu-add cpupool-cpu-remove cpupool-migrate"
      " cpupool-numa-split getenforce setenforce loadpolicy remus devd psr-hwinfo psr-cmt-attach"
      " psr-cmt-detach psr-cmt-show psr-cat-set psr-cat-show psr-mba-set psr-mba-show"
      " usbctrl-attach usbctrl-detach usbdev-attach usbdev-detach usb-list qemu-monitor-command"
      " suspend resume"                        /* from 4.20 on */
      " xenstore-quota-get xenstore-quota-set" /* from 4.22 on */
      " dt-overlay ";                          /* on Arm */

bool cli_is_xls(const char *name)
{
    g_autofree char *word = g_strdup_printf(" %s ", name);

    return *name && !strchr(name, ' ') && strstr(xl_commands, word);
}

bool cli_is_xls_option(const char *command, const char *option)
{
    static const char options[]
        = " list -Z list --context list -c list --cpupool list -n list --numa"
          " info -n info --numa info -x info --xenstore"
          " create -V create --vncviewer create -A create --vncviewer-autopass create -F create -e"
          " create -d create -i create --ignore-global-affinity-masks ";
    g_autofree char *words = g_strdup_printf(" %s %s ", command, option);

    return !strchr(option, ' ') && strstr(options, words);
}
