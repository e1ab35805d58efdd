/* See keyring.h. Keys are found by the SHA-256 of what was shown, in a hash table:
 * how long that takes says nothing of a key, since nobody chooses a hash; the one
 * that is found is compared in constant time all the same. */
#include "server/keyring.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <re.h>

#include "server/sha256.h"

enum { BUCKETS = 256 };

struct slot {
	struct le le;
	struct le he;
	struct gw_key *key;
};

struct gw_keyring {
	const struct gw_config *cfg;
	struct list keys; /* of struct slot: configuration first */
	struct hash *by_hash;
	size_t stored_all;
	bool shut; /* there has been a key */
};

static void slot_destructor(void *arg)
{
	struct slot *slot = arg;

	list_unlink(&slot->le);
	hash_unlink(&slot->he);
	mem_deref(slot->key);
}

static void destructor(void *arg)
{
	struct gw_keyring *ring = arg;

	list_flush(&ring->keys);
	mem_deref(ring->by_hash);
	mem_deref((void *)(uintptr_t)ring->cfg);
}

static uint32_t number_of(const uint8_t hash[GW_KEY_HASH])
{
	uint32_t n;

	memcpy(&n, hash, sizeof(n));
	return n;
}

/* Takes key over. */
static int append(struct list *list, struct gw_key *key)
{
	struct slot *slot = mem_zalloc(sizeof(*slot), slot_destructor);

	if (!slot) {
		mem_deref(key);
		return ENOMEM;
	}
	slot->key = key;
	list_append(list, &slot->le, slot);
	return 0;
}

/* The one in the ring that says the same as key, or NULL. */
static struct slot *find_same(const struct gw_keyring *ring,
			      const struct gw_key *key)
{
	struct le *le;

	LIST_FOREACH(&ring->keys, le) {
		struct slot *slot = le->data;

		if (gw_key_equal(slot->key, key))
			return slot;
	}
	return NULL;
}

/* Those that are not in fresh (or are there once more) are gone. */
static void retire(struct gw_keyring *ring, bool stored)
{
	struct le *le = ring->keys.head;

	while (le) {
		struct slot *slot = le->data;

		le = le->next;
		if (slot->key->stored != stored)
			continue;
		slot->key->state->revoked = true;
		mem_deref(slot);
	}
}

static bool has_any(const struct gw_keyring *ring)
{
	return ring->keys.head || ring->stored_all;
}

/* Puts fresh in the place of what the ring has of that kind. A key that says the
 * same as one there shares its state: it isn't revoked, and its rates go on. */
static void replace(struct gw_keyring *ring, struct list *fresh, bool stored)
{
	struct le *le;

	LIST_FOREACH(fresh, le) {
		struct slot *slot = le->data, *old = find_same(ring, slot->key);

		if (!old)
			continue;
		mem_deref(slot->key);
		slot->key = mem_ref(old->key);
		mem_deref(old);
	}
	retire(ring, stored);
	while (fresh->head) {
		struct slot *slot = fresh->head->data;

		list_unlink(&slot->le);
		hash_append(ring->by_hash, number_of(slot->key->hash),
			    &slot->he, slot);
		if (stored)
			list_append(&ring->keys, &slot->le, slot);
		else
			list_prepend(&ring->keys, &slot->le, slot);
	}
}

int gw_keyring_reload(struct gw_keyring *ring, const struct gw_config *cfg)
{
	struct list fresh = LIST_INIT;
	int err = 0;

	for (size_t i = cfg->key_count; i > 0 && !err; i--) {
		struct gw_key *key;

		err = gw_key_of_config(&key, &cfg->keys[i - 1]);
		err = err ? err : append(&fresh, key);
	}
	if (err) {
		list_flush(&fresh);
		return err;
	}
	replace(ring, &fresh, false);
	mem_deref((void *)(uintptr_t)ring->cfg);
	ring->cfg = mem_ref((void *)(uintptr_t)cfg);
	ring->shut |= has_any(ring);
	return 0;
}

int gw_keyring_stored(struct gw_keyring *ring, const struct gw_key_row *rows,
		      size_t count, size_t count_all)
{
	struct list fresh = LIST_INIT;
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		struct gw_key *key;

		err = gw_key_of_row(&key, &rows[i]);
		err = err ? err : append(&fresh, key);
	}
	if (err) {
		list_flush(&fresh);
		return err;
	}
	replace(ring, &fresh, true);
	ring->stored_all = count_all;
	ring->shut |= has_any(ring);
	return 0;
}

int gw_keyring_alloc(struct gw_keyring **ringp, const struct gw_config *cfg)
{
	struct gw_keyring *ring = mem_zalloc(sizeof(*ring), destructor);
	int err;

	if (!ring)
		return ENOMEM;
	err = hash_alloc(&ring->by_hash, BUCKETS);
	err = err ? err : gw_keyring_reload(ring, cfg);
	if (err)
		mem_deref(ring);
	else
		*ringp = ring;
	return err;
}

bool gw_keyring_needed(const struct gw_keyring *ring)
{
	return ring->shut || gw_config_open_door(ring->cfg);
}

bool gw_keyring_has_stored(const struct gw_keyring *ring)
{
	return ring->stored_all > 0;
}

static bool has_hash(struct le *le, void *arg)
{
	const struct slot *slot = le->data;

	return !CRYPTO_memcmp(slot->key->hash, arg, GW_KEY_HASH);
}

const struct gw_key *gw_keyring_by_secret(const struct gw_keyring *ring,
					  const char *secret, size_t len)
{
	uint8_t hash[GW_KEY_HASH];
	const struct slot *slot;

	if (gw_sha256(hash, secret, len))
		return NULL;
	slot = list_ledata(
		hash_lookup(ring->by_hash, number_of(hash), has_hash, hash));
	OPENSSL_cleanse(hash, sizeof(hash));

	/* an empty secret opens nothing, wherever it stands */
	return slot && len ? slot->key : NULL;
}

const struct gw_key *gw_keyring_by_name(const struct gw_keyring *ring,
					const char *name)
{
	struct le *le;

	LIST_FOREACH(&ring->keys, le) {
		const struct slot *slot = le->data;

		if (!strcmp(slot->key->name, name))
			return slot->key;
	}
	return NULL;
}

bool gw_keyring_expire(struct gw_keyring *ring, int64_t now_ms)
{
	struct le *le = ring->keys.head;
	bool any = false;

	while (le) {
		struct slot *slot = le->data;

		le = le->next;
		if (!gw_key_is_over(slot->key, now_ms))
			continue;
		slot->key->state->revoked = true;
		mem_deref(slot);
		any = true;
	}
	/* they are in the store still: the door stays shut */
	return any;
}

const struct gw_key *gw_keyring_at(const struct gw_keyring *ring, size_t i)
{
	struct le *le = ring->keys.head;

	while (le && i--)
		le = le->next;
	return le ? ((const struct slot *)le->data)->key : NULL;
}
