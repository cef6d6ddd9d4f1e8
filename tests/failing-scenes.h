/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What test-failing-calls has calls fail in: each operation of xsutil, by itself. */
#ifndef TESTS_FAILING_SCENES_H
#define TESTS_FAILING_SCENES_H

#include <glib.h>
#include <stdbool.h>
#include <xsutil/xsutil.h>

/** The nodes that the scenes are about, and one with more children than one reply holds. */
#define SCENE_ROOT "/failing"
#define SCENE_LONG "/failing-long"
#define SCENE_LONG_NAMES 120u

/** Longer than anything that is waited for takes. */
enum { WAIT_MS = 5000 };

/** It changes the store; it does so in parts, without a transaction; it opens what it needs; it reads
 * the long node. */
enum { SCENE_CHANGES = 1, SCENE_IN_PARTS = 2, SCENE_OWN = 4, SCENE_READS_LONG = 8 };

/** How a process ends that met what must not be: a wrong result that was reported as right. */
enum { EXIT_WRONG = 70, EXIT_HANGS };

typedef struct TestScene {
    const char *name;
    /** True with all of it done, and what was read is right; false with the library's errno. */
    bool (*run)(xsu_gc *gc);
    unsigned int flags; /* of SCENE_... */
} TestScene;

/** For results: a call that says it succeeded has done so, or the process ends.  Returns true. */
bool test_scene_right(bool is);
/** Attach a source to the main loop and iterate that until `*over`; the source is unreferenced. */
void test_scene_iterate(GSource *source, const bool *over);

bool test_scene_watch(xsu_gc *gc);
bool test_scene_watch_call(xsu_gc *gc);
bool test_scene_watch_many(xsu_gc *gc);
bool test_scene_watch_in_loop(xsu_gc *gc);
bool test_scene_wait_node(xsu_gc *gc);
bool test_scene_wait_states(xsu_gc *gc);

/** Once, before any of them: GLib takes locks while it makes a main loop, and would not get out. */
void test_scenes_prepare(void);

extern const TestScene test_scenes[];
extern const unsigned int test_num_scenes;

#endif
