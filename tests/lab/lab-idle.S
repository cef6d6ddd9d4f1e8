/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel for guests that only have to be there: it runs, and waits for ever.  It is made and destroyed
 * in a fraction of the time that Linux takes, and does not boot.
 *
 * The notes are those of Xen's public/elfnote.h; a PV guest begins in 64 bits, on a stack, a PVH guest in
 * 32 bits (docs/misc/pvh.pandoc).
 */
#define NOTE(type, value) .balign 4; .long 4, 2f - 1f, type; .asciz "Xen"; 1: value; 2: .balign 4

    .section .note.Xen, "a", @note
    NOTE(5, .asciz "xen-3.0")   /* XEN_ELFNOTE_XEN_VERSION */
    NOTE(8, .asciz "generic")   /* XEN_ELFNOTE_LOADER */
    NOTE(9, .asciz "yes")       /* XEN_ELFNOTE_PAE_MODE */
    NOTE(3, .quad 0)            /* XEN_ELFNOTE_VIRT_BASE */
    NOTE(1, .quad pv)           /* XEN_ELFNOTE_ENTRY */
    NOTE(18, .long pvh)         /* XEN_ELFNOTE_PHYS32_ENTRY */

    .text
    .globl _start
_start:
    .code64
pv:
    mov $29, %eax       /* __HYPERVISOR_sched_op */
    mov $3, %edi        /* SCHEDOP_poll, of no event channels, without a timeout */
    lea poll(%rip), %rsi
    syscall
    jmp pv
    .code32
pvh:
    sti
    hlt
    jmp pvh
    .balign 8
poll:
    .quad 0, 0, 0

    .section .note.GNU-stack, "", @progbits
