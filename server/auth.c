/* Who may ask: see auth.h.
 *
 * Secrets are compared by their SHA-256 with every key, in constant time, and
 * kept in no other form here. The two tables (sessions, failures) are bounded:
 * when one is full, its oldest entry goes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <re.h>

#include "config/config.h"
#include "server/auth.h"
#include "server/bucket.h"

enum {
	HASH = SHA256_DIGEST_LENGTH,
	WINDOW_MS = 60 * 1000,
	SECRET_MAX = GW_CONFIG_SECRET_MAX,
	BUCKET_S = 2,
};

struct session {
	uint8_t hash[HASH]; /* of the cookie: a dump shows no live one */
	const struct gw_config_key *key; /* NULL: free */
	uint64_t used_ms;
};

struct failures {
	uint8_t net[9]; /* family, IPv4 or the first 64 bits of IPv6 */
	uint32_t count; /* 0: free */
	uint64_t since_ms;
};

struct gw_auth {
	const struct gw_config *cfg;
	struct gw_bucket *buckets; /* of the keys, in their order; one if none */
	uint8_t (*hashes)[HASH];   /* of the keys, in their order */
	struct session sessions[GW_AUTH_SESSIONS_MAX];
	struct failures failures[GW_AUTH_ADDRESSES_MAX];
};

static void destructor(void *arg)
{
	struct gw_auth *auth = arg;

	OPENSSL_cleanse(auth->sessions, sizeof(auth->sessions));
	mem_deref(auth->hashes);
	mem_deref(auth->buckets);
	mem_deref((void *)(uintptr_t)auth->cfg);
}

int gw_auth_alloc(struct gw_auth **authp, const struct gw_config *cfg)
{
	struct gw_auth *auth;

	auth = mem_zalloc(sizeof(*auth), destructor);
	if (!auth)
		return ENOMEM;

	auth->cfg = mem_ref((void *)(uintptr_t)cfg);
	auth->hashes = mem_zalloc((cfg->key_count + 1) * HASH, NULL);
	auth->buckets = mem_zalloc(
		(cfg->key_count + 1) * sizeof(struct gw_bucket), NULL);
	if (!auth->hashes || !auth->buckets) {
		mem_deref(auth);
		return ENOMEM;
	}
	for (size_t i = 0; i < cfg->key_count; i++) {
		size_t len;
		const char *text = gw_secret_text(cfg->keys[i].secret, &len);

		(void)SHA256((const uint8_t *)(text ? text : ""), len,
			     auth->hashes[i]);
	}

	*authp = auth;
	return 0;
}

bool gw_auth_needed(const struct gw_auth *auth)
{
	return auth->cfg->key_count > 0;
}

bool gw_auth_may(const struct gw_config_key *key, const char *scope)
{
	if (!key || !scope)
		return true;

	for (size_t i = 0; i < key->scopes.count; i++) {
		if (!strcmp(key->scopes.list[i], scope) ||
		    !strcmp(key->scopes.list[i], "admin"))
			return true;
	}

	return false;
}

uint32_t gw_auth_rate(struct gw_auth *auth, const struct gw_config_key *key,
		      uint64_t now_ms)
{
	struct gw_bucket *bucket =
		&auth->buckets[key ? key - auth->cfg->keys : 0];

	return gw_bucket_take(bucket, auth->cfg->limits.requests_per_s,
			      BUCKET_S, now_ms) ?
		       0 :
		       1;
}

/* Failures. --------------------------------------------------------------- */

/* IPv6 users own a /64 at least: counting addresses would count nothing. */
static void net_of(uint8_t net[9], const char *client)
{
	struct sa sa;

	memset(net, 0, 9);
	if (sa_set_str(&sa, client, 0))
		return;

	net[0] = (uint8_t)sa_af(&sa);
	if (sa_af(&sa) == AF_INET)
		memcpy(net + 1, &sa.u.in.sin_addr, 4);
	else
		memcpy(net + 1, &sa.u.in6.sin6_addr, 8);
}

/* The entry of a net, or NULL. *oldestp: the one to use for a new net. */
static struct failures *find_failures(struct gw_auth *auth,
				      const uint8_t net[9],
				      struct failures **oldestp)
{
	struct failures *oldest = &auth->failures[0];

	for (size_t i = 0; i < GW_AUTH_ADDRESSES_MAX; i++) {
		struct failures *f = &auth->failures[i];

		if (f->count && !memcmp(f->net, net, 9))
			return f;
		if (oldest->count &&
		    (!f->count || f->since_ms < oldest->since_ms))
			oldest = f;
	}

	*oldestp = oldest;
	return NULL;
}

static bool is_limited(struct gw_auth *auth, const char *client,
		       uint64_t now_ms)
{
	struct failures *f, *oldest;
	uint8_t net[9];

	net_of(net, client);
	f = find_failures(auth, net, &oldest);
	if (f && now_ms - f->since_ms >= WINDOW_MS) {
		f->count = 0;
		f = NULL;
	}

	return f && f->count >= GW_AUTH_FAILURES_MAX;
}

static void count_failure(struct gw_auth *auth, const char *client,
			  uint64_t now_ms)
{
	struct failures *f, *oldest;
	uint8_t net[9];

	net_of(net, client);
	f = find_failures(auth, net, &oldest);
	if (!f) {
		f = oldest;
		memcpy(f->net, net, 9);
		f->count = 0;
		f->since_ms = now_ms;
	}
	f->count++;
}

/* Keys and sessions. ------------------------------------------------------ */

/* All keys are compared, so that the time says nothing of which. */
static const struct gw_config_key *find_key(const struct gw_auth *auth,
					    const char *secret, size_t len)
{
	const struct gw_config_key *found = NULL;
	uint8_t hash[HASH];

	(void)SHA256((const uint8_t *)secret, len, hash);
	for (size_t i = 0; i < auth->cfg->key_count; i++) {
		if (!CRYPTO_memcmp(hash, auth->hashes[i], HASH))
			found = &auth->cfg->keys[i];
	}
	OPENSSL_cleanse(hash, sizeof(hash));

	/* an empty secret in the configuration opens nothing */
	return len ? found : NULL;
}

static const struct gw_config_key *find_session(struct gw_auth *auth,
						const char *text, size_t len,
						uint64_t now_ms)
{
	const struct gw_config_key *found = NULL;
	uint8_t hash[HASH];

	(void)SHA256((const uint8_t *)text, len, hash);
	for (size_t i = 0; i < GW_AUTH_SESSIONS_MAX; i++) {
		struct session *s = &auth->sessions[i];

		if (!s->key || CRYPTO_memcmp(hash, s->hash, HASH) != 0)
			continue;
		if (now_ms - s->used_ms >= GW_AUTH_SESSION_S * 1000ull) {
			s->key = NULL;
			continue;
		}
		s->used_ms = now_ms;
		found = s->key;
	}

	return found;
}

/* The value of our cookie in "a=b; bellpull_session=...; c=d". */
static const char *cookie_value(const char *header, size_t *lenp)
{
	static const char name[] = GW_AUTH_COOKIE "=";
	const size_t name_len = sizeof(name) - 1;

	while (header && *header) {
		header += strspn(header, " ;");
		if (!strncmp(header, name, name_len)) {
			*lenp = strcspn(header + name_len, "; ");
			return header + name_len;
		}
		header += strcspn(header, ";");
	}

	return NULL;
}

/* Who guesses is slowed down; whoever knows a key gets in all the same, or one
 * guesser could lock out all who share an address with him. */
static enum gw_auth_verdict refuse(struct gw_auth *auth, const char *client,
				   uint64_t now_ms)
{
	if (is_limited(auth, client, now_ms))
		return GW_AUTH_LIMITED;
	count_failure(auth, client, now_ms);
	return GW_AUTH_WRONG;
}

enum gw_auth_verdict gw_auth_check(struct gw_auth *auth,
				   const struct gw_config_key **keyp,
				   bool *by_cookiep,
				   const struct gw_auth_try *shown,
				   uint64_t now_ms)
{
	const struct gw_config_key *key = NULL;
	const char *text = shown->authorization;
	size_t len = 0;

	*keyp = NULL;
	*by_cookiep = false;
	if (!gw_auth_needed(auth))
		return GW_AUTH_OK;

	if (text && !strncasecmp(text, "Bearer ", 7)) {
		text += 7;
		text += strspn(text, " ");
		len = strlen(text);
		if (len <= SECRET_MAX)
			key = find_key(auth, text, len);
	} else if (!text) {
		text = cookie_value(shown->cookie, &len);
		if (!text)
			return GW_AUTH_NONE;
		key = find_session(auth, text, len, now_ms);
		*by_cookiep = true;
		/* 256 random bits are not guessed: a session that has expired
		 * is not an attack */
		if (!key)
			return GW_AUTH_WRONG;
	}

	if (!key)
		return refuse(auth, shown->client, now_ms);

	*keyp = key;
	return GW_AUTH_OK;
}

static struct session *new_session(struct gw_auth *auth)
{
	struct session *oldest = &auth->sessions[0];

	for (size_t i = 0; i < GW_AUTH_SESSIONS_MAX; i++) {
		struct session *s = &auth->sessions[i];

		if (!s->key)
			return s;
		if (s->used_ms < oldest->used_ms)
			oldest = s;
	}

	return oldest;
}

enum gw_auth_verdict gw_auth_login(struct gw_auth *auth,
				   char cookie[GW_AUTH_COOKIE_SIZE],
				   const char *secret, const char *client,
				   uint64_t now_ms)
{
	const struct gw_config_key *key;
	struct session *s;
	uint8_t random[32];

	key = find_key(auth, secret, strlen(secret));
	if (!key)
		return refuse(auth, client, now_ms);

	if (RAND_bytes(random, sizeof(random)) != 1)
		return GW_AUTH_NONE; /* no randomness, no session */
	(void)re_snprintf(cookie, GW_AUTH_COOKIE_SIZE, "%w", random,
			  sizeof(random));
	OPENSSL_cleanse(random, sizeof(random));

	s = new_session(auth);
	(void)SHA256((const uint8_t *)cookie, strlen(cookie), s->hash);
	s->key = key;
	s->used_ms = now_ms;

	return GW_AUTH_OK;
}
