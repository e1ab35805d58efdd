/* How many calls each key has waiting for their time: one key must not take all the
 * room that limits.calls_later gives.
 *
 * A share is known by its key's name, for the key itself may be made anew (SIGHUP)
 * while its calls wait. It lives as long as one of its calls does, waiting or up:
 * taking a place in it needs no memory. */
#include "server/registry_impl.h"

#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "server/key.h"

enum { BUCKETS = 256 };

struct gw_later_share {
	struct le he;
	char *key;
	uint32_t waiting;
};

static void destructor(void *arg)
{
	struct gw_later_share *share = arg;

	hash_unlink(&share->he);
	mem_deref(share->key);
}

static bool is_of(struct le *le, void *arg)
{
	const struct gw_later_share *share = le->data;

	return !strcmp(share->key, arg);
}

static struct gw_later_share *find(const char *key)
{
	if (!gw_registry.shares)
		return NULL;
	return list_ledata(hash_lookup(gw_registry.shares, hash_joaat_str(key),
				       is_of, (void *)(uintptr_t)key));
}

int gw_later_share(struct gw_later_share **sharep, const struct gw_key *key)
{
	struct gw_later_share *share;
	int err = 0;

	if (!key)
		return 0;
	share = find(gw_key_name(key));
	if (share) {
		*sharep = mem_ref(share);
		return 0;
	}
	if (!gw_registry.shares)
		err = hash_alloc(&gw_registry.shares, BUCKETS);
	share = err ? NULL : mem_zalloc(sizeof(*share), destructor);
	if (!share || str_dup(&share->key, gw_key_name(key))) {
		mem_deref(share);
		return ENOMEM;
	}
	hash_append(gw_registry.shares, hash_joaat_str(share->key), &share->he,
		    share);
	*sharep = share;
	return 0;
}

void gw_later_count_in(struct gw_later_share *share)
{
	gw_registry.stats.later++;
	if (share)
		share->waiting++;
}

void gw_later_count_out(struct gw_later_share *share)
{
	if (gw_registry.stats.later)
		gw_registry.stats.later--;
	if (share && share->waiting)
		share->waiting--;
}

int gw_registry_may_wait(const struct gw_key *key, uint32_t *maxp)
{
	const struct gw_config_limits *limits = &gw_registry.cfg->limits;
	const struct gw_later_share *share = key ? find(gw_key_name(key)) :
						   NULL;

	if (gw_registry.stats.later >= limits->calls_later)
		return ENOBUFS;
	*maxp = limits->calls_later_per_key;
	if (share && share->waiting >= *maxp)
		return EUSERS;
	return 0;
}
