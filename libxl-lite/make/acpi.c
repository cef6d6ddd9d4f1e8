/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ACPI tables of a PVH guest: what tells it of its vcpus, and that there is no other hardware.
 *
 * By the ACPI specification 5.1, chapters 4 and 5.  All of it is in one page, numbers little-endian:
 *
 *   0x000  RSDP  36 bytes, revision 2: where the XSDT is
 *   0x040  XSDT  36 + 16 bytes: where FADT and MADT are
 *   0x080  FADT  268 bytes, revision 5: hardware-reduced; where the DSDT is
 *   0x1c0  DSDT  36 bytes, revision 2: no device
 *   0x200  MADT  44 + 8 bytes a vcpu, revision 3: their local APICs
 *
 * Each but the RSDP begins with the same header of 36 bytes, and the sum of all its bytes is 0.
 */
#include <string.h>

#include "libxl-lite/make/make.h"

enum {
    RSDP = 0x000,
    XSDT = 0x040,
    FADT = 0x080,
    DSDT = 0x1c0,
    MADT = 0x200,
    HEADER_SIZE = 36,
    FADT_SIZE = 268,
    MADT_FIXED_SIZE = 44,
    LOCAL_APIC_SIZE = 8
};

/* Where every processor finds its local APIC. */
#define LOCAL_APIC_ADDRESS 0xfee00000u

/* FADT: WBINVD works, all processors have C1, no fixed power and sleep button, reduced hardware. */
#define FADT_FLAGS (1u << 0 | 1u << 2 | 1u << 4 | 1u << 5 | 1u << 20)

/* FADT, boot architecture: no VGA, no CMOS clock. */
#define FADT_BOOT_FLAGS (1u << 2 | 1u << 5)

static void put16(uint8_t *at, uint16_t value)
{
    value = GUINT16_TO_LE(value);
    memcpy(at, &value, sizeof value);
}

static void put32(uint8_t *at, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    memcpy(at, &value, sizeof value);
}

static void put64(uint8_t *at, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    memcpy(at, &value, sizeof value);
}

/* What makes the sum of `size` bytes, this one among them, 0. */
static void put_checksum(uint8_t *table, size_t size, size_t at)
{
    uint8_t sum = 0;

    table[at] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + table[i]);
    table[at] = (uint8_t)-sum;
}

/* Of fixed width: no NUL is behind it. */
static void put_text(uint8_t *to, const char *text)
{
    while (*text)
        *to++ = (uint8_t)*text++;
}

/* A table's header, once the rest of it is there. */
static void finish(uint8_t *table, const char *signature, uint8_t revision, uint32_t size)
{
    put_text(table, signature);
    put32(table + 4, size);
    table[8] = revision;
    put_text(table + 10, "XLLITE");
    put_text(table + 16, "XLLITE  ");
    put32(table + 24, 1);
    put_text(table + 28, "XLLI");
    put32(table + 32, 1);
    put_checksum(table, size, 9);
}

static void build_rsdp(uint8_t *rsdp, uint64_t address)
{
    put_text(rsdp, "RSD PTR ");
    put_text(rsdp + 9, "XLLITE");
    rsdp[15] = 2;
    put32(rsdp + 20, XLL__RSDP_SIZE);
    put64(rsdp + 24, address + XSDT);
    put_checksum(rsdp, 20, 8); /* of what ACPI 1.0 had */
    put_checksum(rsdp, XLL__RSDP_SIZE, 32);
}

static void build_fadt(uint8_t *fadt, uint64_t address)
{
    put32(fadt + 40, (uint32_t)(address + DSDT));
    put16(fadt + 109, FADT_BOOT_FLAGS);
    put32(fadt + 112, FADT_FLAGS);
    fadt[131] = 1; /* of 5.1 */
    put64(fadt + 140, address + DSDT);
    finish(fadt, "FACP", 5, FADT_SIZE);
}

/* Xen gives a vcpu twice its number as its local APIC's id. */
static void build_madt(uint8_t *madt, uint32_t num_vcpus)
{
    uint8_t *entry = madt + MADT_FIXED_SIZE;

    put32(madt + HEADER_SIZE, LOCAL_APIC_ADDRESS);
    for (uint32_t vcpu = 0; vcpu < num_vcpus; vcpu++, entry += LOCAL_APIC_SIZE) {
        entry[0] = 0; /* a processor's local APIC */
        entry[1] = LOCAL_APIC_SIZE;
        entry[2] = (uint8_t)vcpu;
        entry[3] = (uint8_t)(vcpu * 2);
        put32(entry + 4, 1); /* it may be used */
    }
    finish(madt, "APIC", 3, MADT_FIXED_SIZE + LOCAL_APIC_SIZE * num_vcpus);
}

void xll__build_acpi(uint8_t page[XLL__ACPI_PAGE_SIZE], uint64_t address, uint32_t num_vcpus)
{
    memset(page, 0, XLL__ACPI_PAGE_SIZE);
    build_rsdp(page + RSDP, address);
    put64(page + XSDT + HEADER_SIZE, address + FADT);
    put64(page + XSDT + HEADER_SIZE + 8, address + MADT);
    finish(page + XSDT, "XSDT", 1, HEADER_SIZE + 16);
    build_fadt(page + FADT, address);
    finish(page + DSDT, "DSDT", 2, HEADER_SIZE);
    build_madt(page + MADT, MIN(num_vcpus, XLL__MOST_PVH_VCPUS));
}
