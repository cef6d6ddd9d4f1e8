/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device's 25 keys in one transaction, three ways; bench_fns with `clients`. */
#ifndef BENCH_KEYS_H
#define BENCH_KEYS_H

#define KEYS 25u
#define KEY_PATH "/bench/backend/vif/1/0/key-%u"
#define KEY_VALUE "some-value"

void keys_by_libxenstore(void *data, unsigned int n);
void keys_by_operations(void *data, unsigned int n);
void keys_by_batch(void *data, unsigned int n);

#endif
