/* See visits.h. */
#include "server/visits.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <re.h>

#include "server/key.h"
#include "server/keyring.h"
#include "server/sha256.h"
#include "server/store.h"

enum {
	HASH = GW_SHA256,
	BUCKETS = 512,
	ORIGIN_MAX = 255,
};

struct visit {
	struct le le; /* oldest use first */
	struct le he;
	uint8_t hash[HASH]; /* of the text: a dump shows no live one */
	const struct gw_key *key;
	uint64_t used_ms;
	char call_id[GW_STORE_ID_SIZE]; /* ticket: "" is all calls */
	char *origin;                   /* ticket: or NULL         */
	bool used;                      /* ticket                  */
};

struct table {
	struct list visits;
	struct hash *by_hash;
	uint32_t count, max;
};

struct gw_visits {
	struct table sessions, tickets;
};

static void visit_destructor(void *arg)
{
	struct visit *v = arg;

	list_unlink(&v->le);
	hash_unlink(&v->he);
	mem_deref(v->origin);
	mem_deref((void *)(uintptr_t)v->key);
}

static void destructor(void *arg)
{
	struct gw_visits *visits = arg;

	list_flush(&visits->sessions.visits);
	list_flush(&visits->tickets.visits);
	mem_deref(visits->sessions.by_hash);
	mem_deref(visits->tickets.by_hash);
}

int gw_visits_alloc(struct gw_visits **visitsp)
{
	struct gw_visits *visits = mem_zalloc(sizeof(*visits), destructor);
	int err;

	if (!visits)
		return ENOMEM;
	visits->sessions.max = GW_VISIT_SESSIONS_MAX;
	visits->tickets.max = GW_VISIT_TICKETS_MAX;
	err = hash_alloc(&visits->sessions.by_hash, BUCKETS);
	err = err ? err : hash_alloc(&visits->tickets.by_hash, BUCKETS);
	if (err)
		mem_deref(visits);
	else
		*visitsp = visits;
	return err;
}

static void end(struct table *table, struct visit *v)
{
	table->count--;
	mem_deref(v);
}

static uint32_t number_of(const uint8_t hash[HASH])
{
	uint32_t n;

	memcpy(&n, hash, sizeof(n));
	return n;
}

static bool has_hash(struct le *le, void *arg)
{
	const struct visit *v = le->data;

	return !CRYPTO_memcmp(v->hash, arg, HASH);
}

static struct visit *find(const struct table *table, const char *text,
			  size_t len)
{
	uint8_t hash[HASH];

	if (gw_sha256(hash, text, len))
		return NULL;
	return list_ledata(
		hash_lookup(table->by_hash, number_of(hash), has_hash, hash));
}

/* A new one, last in its table, whose text is drawn by chance. */
static int begin(struct visit **vp, struct table *table,
		 char text[GW_VISIT_SIZE], const struct gw_key *key,
		 uint64_t now_ms)
{
	uint8_t random[(GW_VISIT_SIZE - 1) / 2];
	struct visit *v;

	if (RAND_bytes(random, sizeof(random)) != 1)
		return EIO; /* no randomness, no session */
	v = mem_zalloc(sizeof(*v), visit_destructor);
	if (!v)
		return ENOMEM;
	(void)re_snprintf(text, GW_VISIT_SIZE, "%w", random, sizeof(random));
	OPENSSL_cleanse(random, sizeof(random));
	if (gw_sha256(v->hash, text, strlen(text))) {
		mem_deref(v);
		return EIO;
	}
	v->key = mem_ref((void *)(uintptr_t)key);
	v->used_ms = now_ms;

	if (table->count == table->max)
		end(table, table->visits.head->data);
	list_append(&table->visits, &v->le, v);
	hash_append(table->by_hash, number_of(v->hash), &v->he, v);
	table->count++;
	*vp = v;
	return 0;
}

static void touch(struct table *table, struct visit *v, uint64_t now_ms)
{
	v->used_ms = now_ms;
	list_unlink(&v->le);
	list_append(&table->visits, &v->le, v);
}

/* Sessions ------------------------------------------------------------------ */

int gw_visits_session(struct gw_visits *visits, char text[GW_VISIT_SIZE],
		      const struct gw_key *key, uint64_t now_ms)
{
	struct visit *v;

	return begin(&v, &visits->sessions, text, key, now_ms);
}

const struct gw_key *gw_visits_by_session(struct gw_visits *visits,
					  const char *text, size_t len,
					  uint64_t now_ms)
{
	struct table *table = &visits->sessions;
	struct visit *v = find(table, text, len);

	if (!v)
		return NULL;
	if (now_ms - v->used_ms >= GW_VISIT_SESSION_S * 1000ull) {
		end(table, v);
		return NULL;
	}
	touch(table, v, now_ms);
	return v->key;
}

/* Tickets ------------------------------------------------------------------- */

int gw_visits_ticket(struct gw_visits *visits, char text[GW_VISIT_SIZE],
		     const struct gw_key *key, const char *call_id,
		     const char *origin, uint64_t now_ms)
{
	struct table *table = &visits->tickets;
	struct visit *v;
	char *copy = NULL;
	int err;

	/* one that is too long is cut, and fits nobody */
	if (origin) {
		const struct pl pl = { origin, MIN(strlen(origin),
						   (size_t)ORIGIN_MAX) };

		err = pl_strdup(&copy, &pl);
		if (err)
			return err;
	}
	err = begin(&v, table, text, key, now_ms);
	if (err) {
		mem_deref(copy);
		return err;
	}
	v->origin = copy;
	if (call_id)
		str_ncpy(v->call_id, call_id, sizeof(v->call_id));
	return 0;
}

/* A page of our own origin sends no Origin with a GET. */
static bool fits(const struct visit *v, const struct gw_visits_use *use)
{
	if (v->call_id[0] &&
	    (!use->call_id || strcmp(v->call_id, use->call_id) != 0))
		return false;
	return !use->origin || !v->origin || !strcmp(v->origin, use->origin);
}

const struct gw_key *gw_visits_by_ticket(struct gw_visits *visits,
					 const struct gw_visits_use *use,
					 uint64_t now_ms)
{
	struct table *table = &visits->tickets;
	struct visit *v = find(table, use->text, strlen(use->text));
	uint64_t patience_s;

	if (!v || !fits(v, use))
		return NULL;
	patience_s = v->used ? GW_VISIT_FAMILY_S : GW_VISIT_TICKET_S;
	if (now_ms - v->used_ms >= patience_s * 1000) {
		end(table, v);
		return NULL;
	}
	if (v->used && !use->again)
		return NULL;
	if (!v->used)
		touch(table, v, now_ms);
	v->used = true;
	return v->key;
}

/* Keys that change ---------------------------------------------------------- */

static void follow(struct table *table, const struct gw_keyring *ring)
{
	struct le *le = table->visits.head;

	while (le) {
		struct visit *v = le->data;
		const struct gw_key *now;

		le = le->next;
		if (!v->key || !v->key->state->revoked)
			continue;
		now = gw_keyring_by_name(ring, v->key->name);
		if (!now || CRYPTO_memcmp(now->hash, v->key->hash, HASH) != 0) {
			end(table, v);
			continue;
		}
		mem_deref((void *)(uintptr_t)v->key);
		v->key = mem_ref((void *)(uintptr_t)now);
	}
}

void gw_visits_follow(struct gw_visits *visits, const struct gw_keyring *ring)
{
	follow(&visits->sessions, ring);
	follow(&visits->tickets, ring);
}
