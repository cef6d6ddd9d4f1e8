/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Subtrees of a lying daemon, and making them anew there. */
#include "liar.h"

#include <errno.h>
#include <xenstore.h>
#include <xsutil/xsutil.h>

static const LiarBody menu[] = {
    LIAR_BODY("a\0"),    LIAR_BODY("a\0b\0"), LIAR_BODY(""),         LIAR_BODY("a"),
    LIAR_BODY("a/b\0"),  LIAR_BODY("\0"),     LIAR_BODY("a\0\0b\0"), LIAR_BODY("n0\0r5\0"),
    LIAR_BODY("n0"),     LIAR_BODY("x0\0"),   LIAR_BODY("@a\0"),     LIAR_BODY("a\0a\0a\0"),
    LIAR_BODY("1\0a\0"), LIAR_BODY("1\0\0"),  LIAR_BODY("2\0a\0\0"), LIAR_BODY("value"),
    {NULL, 0},
};

/* How many nodes there are; each is as xs_treef() has it. */
static unsigned int check_node(const xsu_node *node, bool permissions)
{
    unsigned int num = 1;
    FUZZ_CHECK(node->name, "a node without a name");
    FUZZ_CHECK(!node->value || ((const char *)node->value)[node->len] == '\0', "'%s'", node->name);
    FUZZ_CHECK(node->value || node->error, "'%s' has no value", node->name);
    FUZZ_CHECK(!node->perms == !node->num_perms, "'%s'", node->name);
    FUZZ_CHECK(permissions ? node->perms || node->error : !node->perms, "'%s'", node->name);
    FUZZ_CHECK(node->children || !node->num_children, "'%s'", node->name);
    for (unsigned int i = 0; i < node->num_perms; i++)
        FUZZ_CHECK((unsigned int)node->perms[i].perms < 4, "'%s'", node->name);
    for (unsigned int i = 0; i < node->num_children; i++)
        num += check_node(&node->children[i], permissions);
    return num;
}

static void make_anew(xsu_gc *gc, const xsu_node *node)
{
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_treef(b, node, "/copy");
    errno = 0;
    FUZZ_CHECK(xsu_batch_run(b) || errno, "it failed without an errno");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    uint8_t what = fuzz_byte(&in);
    unsigned int flags = what & 1 ? XSU_TREE_PERMISSIONS : 0, limit = fuzz_byte(&in);
    liar_begin(&in, menu);
    xsu_ctx *ctx = xsu_open(XSU_OPEN_LATER);
    xsu_set_timeout(ctx, 1000);
    {
        XSU_GC(gc, ctx);
        errno = 0;
        const xsu_node *tree = xs_treef(gc, XBT_NULL, flags, limit, "/a");
        int err = errno;
        FUZZ_CHECK(tree || err, "it failed without an errno");
        if (tree) {
            unsigned int num = check_node(tree, flags);
            FUZZ_CHECK(!limit || num <= limit, "%u nodes, not %u", num, limit);
            make_anew(gc, tree);
        }
    }
    xsu_close(ctx);
    liar_end();
    return 0;
}
