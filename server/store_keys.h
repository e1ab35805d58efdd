/* Keys in the store, for `bellpull key`: a program of its own that may run beside
 * the gateway, which notices within a second. Blocks. */
#ifndef BELLPULL_SERVER_STORE_KEYS_H
#define BELLPULL_SERVER_STORE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/store.h"

struct gw_store_keys;

/* Opens the store at url ("sqlite:PATH"), and makes it where there is none. On
 * error why[] says what is wrong. mem_deref() closes it. */
int gw_store_keys_open(struct gw_store_keys **keysp, const char *url, char *why,
		       size_t why_size);

/* Returns 0, EEXIST (this name is taken) or an error of the disk. */
int gw_store_keys_add(struct gw_store_keys *keys,
		      const struct gw_store_key *key);

/* Return 0, ENOENT (there is no key of this name) or an error of the disk. */
int gw_store_keys_disable(struct gw_store_keys *keys, const char *name,
			  bool disabled);
int gw_store_keys_remove(struct gw_store_keys *keys, const char *name);

/* All of them, by name; rd's keys. mem_deref() it. */
int gw_store_keys_list(struct gw_store_keys *keys, struct gw_store_read **rdp);

#endif
