/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What making a domain takes that asks nobody: guests and what cannot be right in them, and ACPI's tables. */
#include "test-make.h"

#include <string.h>

/* ---- Guests ----------------------------------------------------------------------------------- */

static void test_new(void)
{
    g_autoptr(xll_guest) guest = xll_guest_new();
    xll_new_nic *nic = xll_guest_add_nic(guest);
    xll_new_disk *disk;
    g_assert_cmpuint(guest->max_vcpus, ==, 1);
    g_assert_cmpuint(nic->devid, ==, XLL_ANY_DEVID);
    nic->mac = g_strdup("00:16:3e:00:00:01");
    g_assert_true(xll_guest_add_nic(guest) == &guest->nics[1] && guest->num_nics == 2);
    g_assert_cmpstr(guest->nics[0].mac, ==, "00:16:3e:00:00:01");
    disk = xll_guest_add_disk(guest);
    g_assert_true(disk == &guest->disks[0] && guest->num_disks == 1 && !disk->target);
    disk->target = g_strdup("/dev/sda");
    g_assert_null(xll_guest_add_nic(NULL));
    g_assert_null(xll_guest_add_disk(NULL));
    xll_guest_free(NULL);
}

static void test_right(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_guest) guest = new_guest();
    g_assert_true(xll__check_guest(guest, &error));
    g_assert_cmpuint(xll__max_memory_kib(guest), ==, 98304);
    g_assert_cmpuint(xll__first_vcpus(guest), ==, 1);
    guest->uuid = g_strdup("0123ABCD-89AB-CDEF-0123-456789ABCDEF");
    guest->max_memory_kib = 131072;
    guest->max_vcpus = 4;
    guest->vcpus = 2;
    guest->command_line = g_strdup("");
    guest->cpus = g_memdup2("\x02", 1);
    guest->num_cpus = 8;
    g_assert_true(xll__check_guest(guest, &error));
    g_assert_cmpuint(xll__max_memory_kib(guest), ==, 131072);
    g_assert_cmpuint(xll__first_vcpus(guest), ==, 2);
    g_assert_true(xll__has_cpu(guest->cpus, 8, 1));
    g_assert_false(xll__has_cpu(guest->cpus, 8, 0) || xll__has_cpu(guest->cpus, 1, 1));
}

/* Each sets one member, and what the message is to have. */
static void replace(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value);
}

static const char *no_name(xll_guest *g)
{
    replace(&g->name, NULL);
    return "name is missing";
}
static const char *bad_name(xll_guest *g)
{
    replace(&g->name, "a/b");
    return "'a/b' cannot be a domain's name";
}
static const char *bad_uuid(xll_guest *g)
{
    replace(&g->uuid, "1-2");
    return "uuid is '1-2'";
}
static const char *no_uuid(xll_guest *g)
{
    replace(&g->uuid, "00000000-0000-0000-0000-000000000000");
    return "uuid is all zeroes";
}
static const char *no_kernel(xll_guest *g)
{
    replace(&g->kernel, NULL);
    return "kernel is missing";
}
static const char *empty_kernel(xll_guest *g)
{
    replace(&g->kernel, "");
    return "kernel is empty";
}
static const char *bad_kernel(xll_guest *g)
{
    replace(&g->kernel, "/\xff");
    return "kernel is not UTF-8";
}
static const char *empty_ramdisk(xll_guest *g)
{
    replace(&g->ramdisk, "");
    return "ramdisk is empty";
}
static const char *no_memory(xll_guest *g)
{
    g->memory_kib = 0;
    return "memory_kib is 0";
}
static const char *odd_memory(xll_guest *g)
{
    g->memory_kib = 98305;
    return "memory_kib is 98305, and is to be a multiple of 1024";
}
static const char *much_memory(xll_guest *g)
{
    g->memory_kib = UINT64_MAX - 1023;
    return "memory_kib is 18446744073709550592, and may be 17179867136 at most";
}
static const char *less_memory(xll_guest *g)
{
    g->max_memory_kib = 1024;
    return "max_memory_kib is 1024, less than memory_kib";
}
static const char *odd_max(xll_guest *g)
{
    g->max_memory_kib = 98305;
    return "max_memory_kib is 98305, and is to be";
}
static const char *no_vcpus(xll_guest *g)
{
    g->max_vcpus = 0;
    return "max_vcpus is 0";
}
static const char *many_vcpus(xll_guest *g)
{
    g->max_vcpus = 8193;
    return "a PV guest may have 8192 at most";
}
static const char *many_of_pvh(xll_guest *g)
{
    g->type = XLL_GUEST_PVH;
    g->max_vcpus = 129;
    return "a PVH guest may have 128 at most";
}
static const char *more_vcpus(xll_guest *g)
{
    g->vcpus = 2;
    return "vcpus is 2, more than max_vcpus";
}
static const char *no_cpus(xll_guest *g)
{
    g->cpus = g_malloc0(1);
    g->num_cpus = 8;
    return "cpus has no CPU";
}
static const char *no_soft(xll_guest *g)
{
    g->cpus_soft = g_malloc0(1);
    return "cpus_soft has no CPU";
}
static const char *bad_type(xll_guest *g)
{
    g->type = (xll_guest_type)2;
    return "type is 2";
}
static const char *bad_action(xll_guest *g)
{
    g->on_crash = (xll_end_action)-1;
    return "on_crash is -1, and may be 0 to 3";
}
static const char *no_nics(xll_guest *g)
{
    g->num_nics = 1;
    return "nics is NULL";
}
static const char *no_disks(xll_guest *g)
{
    g->num_disks = 1;
    return "disks is NULL";
}

static const char *long_line(xll_guest *g)
{
    g->command_line = g_strnfill(1024, 'x');
    return "command_line has 1024 bytes, and may have 1023";
}

static const char *long_kernel(xll_guest *g)
{
    g_free(g->kernel);
    g->kernel = g_strnfill(2048, 'x');
    return "kernel has 2048 bytes";
}

static void test_wrong(void)
{
    static const char *(*const wrongs[])(xll_guest *) = {
        no_name,       bad_name,    bad_uuid,   no_uuid,     no_kernel,   empty_kernel, bad_kernel,
        empty_ramdisk, no_memory,   odd_memory, much_memory, less_memory, odd_max,      no_vcpus,
        many_vcpus,    many_of_pvh, more_vcpus, no_cpus,     no_soft,     bad_type,     bad_action,
        no_nics,       no_disks,    long_line,  long_kernel};
    for (size_t i = 0; i < G_N_ELEMENTS(wrongs); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(xll_guest) guest = new_guest();
        const char *wanted = wrongs[i](guest);
        g_assert_false(xll__check_guest(guest, &error));
        g_assert_error(error, XLL_ERROR, XLL_ERROR_INVALID);
        if (!strstr(error->message, wanted))
            g_error("'%s' instead of '%s'", error->message, wanted);
        guest->num_nics = guest->num_disks = 0;
    }
    g_assert_false(xll__check_guest(NULL, NULL));
}

/* ---- ACPI ------------------------------------------------------------------------------------- */

#define AT 0xfc000000u

static uint64_t number(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

static unsigned int sum(const uint8_t *bytes, size_t num)
{
    unsigned int all = 0;
    while (num-- > 0)
        all += *bytes++;
    return all & 0xff;
}

/* The table that a pointer means: within the page, of this kind and sound. */
static const uint8_t *follow(const uint8_t *page, uint64_t address, const char *signature,
                             uint32_t *size)
{
    const uint8_t *table = page + (address - AT);
    g_assert_cmpuint(address, >, AT);
    g_assert_cmpuint(address, <, AT + XLL__ACPI_PAGE_SIZE - 36);
    *size = (uint32_t)number(table + 4, 4);
    g_assert_cmpuint(address - AT + *size, <=, XLL__ACPI_PAGE_SIZE);
    g_assert_cmpmem(table, 4, signature, 4);
    g_assert_cmpuint(sum(table, *size), ==, 0);
    return table;
}

static void check_madt(const uint8_t *madt, uint32_t size, uint32_t vcpus)
{
    g_assert_cmpuint(size, ==, 44 + 8 * vcpus);
    g_assert_cmphex(number(madt + 36, 4), ==, 0xfee00000);
    for (uint32_t i = 0; i < vcpus; i++) {
        const uint8_t *one = madt + 44 + 8 * (size_t)i;
        g_assert_cmpuint(one[0], ==, 0);
        g_assert_cmpuint(one[1], ==, 8);
        g_assert_cmpuint(one[2], ==, i);
        g_assert_cmpuint(one[3], ==, 2 * i);
        g_assert_cmpuint(number(one + 4, 4), ==, 1);
    }
}

static void check_tables(uint32_t vcpus)
{
    uint8_t page[XLL__ACPI_PAGE_SIZE];
    const uint8_t *xsdt, *fadt, *madt;
    uint32_t size;
    memset(page, 0xee, sizeof page);
    xll__build_acpi(page, AT, vcpus);
    g_assert_cmpmem(page, 8, "RSD PTR ", 8);
    g_assert_cmpuint(sum(page, 20), ==, 0);
    g_assert_cmpuint(sum(page, XLL__RSDP_SIZE), ==, 0);
    g_assert_cmpuint(number(page + 20, 4), ==, XLL__RSDP_SIZE);
    xsdt = follow(page, number(page + 24, 8), "XSDT", &size);
    g_assert_cmpuint(size, ==, 36 + 2 * 8);
    fadt = follow(page, number(xsdt + 36, 8), "FACP", &size);
    g_assert_cmpuint(size, ==, 268);
    g_assert_true(number(fadt + 112, 4) & 1u << 20); /* hardware-reduced */
    g_assert_cmphex(number(fadt + 40, 4), ==, number(fadt + 140, 8));
    follow(page, number(fadt + 140, 8), "DSDT", &size);
    g_assert_cmpuint(size, ==, 36);
    madt = follow(page, number(xsdt + 44, 8), "APIC", &size);
    check_madt(madt, size, vcpus);
}

static void test_acpi(void)
{
    for (uint32_t vcpus = 1; vcpus <= XLL__MOST_PVH_VCPUS; vcpus++)
        check_tables(vcpus);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/make/guest/new", test_new);
    g_test_add_func("/make/guest/right", test_right);
    g_test_add_func("/make/guest/wrong", test_wrong);
    g_test_add_func("/make/acpi", test_acpi);
    return g_test_run();
}
