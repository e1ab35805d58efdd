/* Who may ask: see auth.h. The keys are keyring.c's, what stands for one is
 * visits.c's, what is signed is click.c's, and who guesses is failures.c's matter;
 * here they come together. */
#include "server/auth.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <re.h>

#include "config/config.h"
#include "server/click.h"
#include "server/clock.h"
#include "server/failures.h"
#include "server/keyring.h"
#include "server/log.h"
#include "server/store.h"
#include "server/twilio.h"
#include "server/visits.h"

enum {
	SECRET_MAX = GW_CONFIG_SECRET_MAX,
	BUCKET_S = 2,
	LOOK_MS = 500,
	USED_MS = 3600 * 1000, /* how exactly the last use is kept */
};

struct gw_auth {
	const struct gw_config *cfg;
	struct gw_keyring *ring;
	struct gw_visits *visits;
	struct gw_failures failures;
	struct gw_bucket open; /* of everybody, while there are no keys */
	uint8_t secret[GW_AUTH_SECRET];

	struct gw_store *store; /* NULL: closed, or not followed */
	struct gw_store_read *asked;
	struct tmr look;
	int64_t version;       /* of the store's keys */
	gw_auth_done_h *doneh; /* until the first answer */
	void (*changedh)(void *arg);
	void *arg;
};

static void destructor(void *arg)
{
	struct gw_auth *auth = arg;

	gw_auth_close(auth);
	OPENSSL_cleanse(auth->secret, sizeof(auth->secret));
	mem_deref(auth->visits);
	mem_deref(auth->ring);
	mem_deref((void *)(uintptr_t)auth->cfg);
}

int gw_auth_alloc(struct gw_auth **authp, const struct gw_config *cfg,
		  const uint8_t secret[GW_AUTH_SECRET])
{
	struct gw_auth *auth;
	int err;

	auth = mem_zalloc(sizeof(*auth), destructor);
	if (!auth)
		return ENOMEM;

	tmr_init(&auth->look);
	auth->version = -1;
	auth->cfg = mem_ref((void *)(uintptr_t)cfg);
	memcpy(auth->secret, secret, sizeof(auth->secret));
	err = gw_keyring_alloc(&auth->ring, cfg);
	err = err ? err : gw_visits_alloc(&auth->visits);
	if (err)
		mem_deref(auth);
	else
		*authp = auth;
	return err;
}

const uint8_t *gw_auth_secret(const struct gw_auth *auth)
{
	return auth->secret;
}

struct gw_visits *gw_auth_visits(const struct gw_auth *auth)
{
	return auth->visits;
}

bool gw_auth_needed(const struct gw_auth *auth)
{
	return gw_keyring_needed(auth->ring);
}

bool gw_auth_still(const struct gw_auth *auth, const struct gw_key **keyp,
		   const char *name)
{
	const struct gw_key *key;

	*keyp = NULL;
	if (!gw_auth_needed(auth))
		return true;
	key = name ? gw_keyring_by_name(auth->ring, name) : NULL;
	if (!key || gw_key_is_over(key, gw_clock_ms()) ||
	    !gw_key_may(key, "calls:create"))
		return false;
	*keyp = mem_ref((void *)(uintptr_t)key);
	return true;
}

bool gw_auth_has_stored(const struct gw_auth *auth)
{
	return gw_keyring_has_stored(auth->ring);
}

/* Keys that come and go ----------------------------------------------------- */

static void changed(struct gw_auth *auth)
{
	gw_visits_follow(auth->visits, auth->ring);
	if (auth->changedh)
		auth->changedh(auth->arg);
}

int gw_auth_reload(struct gw_auth *auth, const struct gw_config *cfg)
{
	const int err = gw_keyring_reload(auth->ring, cfg);

	if (err)
		return err;
	mem_deref((void *)(uintptr_t)auth->cfg);
	auth->cfg = mem_ref((void *)(uintptr_t)cfg);
	changed(auth);
	return 0;
}

static int take_rows(struct gw_auth *auth, const struct gw_store_read *rd)
{
	struct gw_key_row *rows;
	size_t n = 0;
	int err;

	rows = mem_zalloc((rd->key_count + 1) * sizeof(*rows), NULL);
	if (!rows)
		return ENOMEM;
	for (size_t i = 0; i < rd->key_count; i++) {
		const struct gw_store_key *k = &rd->keys[i];

		if (k->disabled)
			continue;
		rows[n].name = k->name;
		rows[n].project = k->project;
		rows[n].scopes = k->scopes;
		rows[n].lines = k->lines;
		rows[n].caller_ids = k->caller_ids;
		rows[n].expires_at_ms = k->expires_at_ms;
		memcpy(rows[n++].hash, k->hash, GW_KEY_HASH);
	}
	err = gw_keyring_stored(auth->ring, rows, n, rd->key_count);
	mem_deref(rows);
	return err;
}

static void look(void *arg);

static void answered(struct gw_store_read *rd, void *arg)
{
	struct gw_auth *auth = arg;
	gw_auth_done_h *doneh;
	int err = rd->err;

	if (!auth)
		return; /* closed meanwhile */
	auth->asked = NULL;
	if (!err && rd->version != auth->version) {
		err = take_rows(auth, rd);
		if (!err) {
			auth->version = rd->version;
			(void)gw_keyring_expire(auth->ring, gw_clock_ms());
			changed(auth);
		}
	}
	tmr_start(&auth->look, LOOK_MS, look, auth);
	doneh = auth->doneh;
	auth->doneh = NULL;
	if (doneh)
		doneh(err, auth->arg);
	else if (err)
		gw_log(GW_LOG_WARNING, "keys.unread", GW_F_ERR("why", err));
}

static int ask(struct gw_auth *auth)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_KEYS);

	if (!rd)
		return ENOMEM;
	rd->version = auth->version;
	rd->doneh = answered;
	rd->arg = auth;
	auth->asked = rd;
	const int err = gw_store_ask(auth->store, rd);

	if (err)
		auth->asked = NULL;
	return err;
}

static void look(void *arg)
{
	struct gw_auth *auth = arg;

	if (gw_keyring_expire(auth->ring, gw_clock_ms()))
		changed(auth);
	if (ask(auth))
		tmr_start(&auth->look, LOOK_MS, look, auth);
}

int gw_auth_follow(struct gw_auth *auth, struct gw_store *store,
		   gw_auth_done_h *doneh, void (*changedh)(void *arg),
		   void *arg)
{
	auth->store = store;
	auth->doneh = doneh;
	auth->changedh = changedh;
	auth->arg = arg;
	return ask(auth);
}

void gw_auth_close(struct gw_auth *auth)
{
	tmr_cancel(&auth->look);
	if (auth->asked)
		auth->asked->arg = NULL;
	auth->asked = NULL;
	auth->store = NULL;
	auth->changedh = NULL;
}

/* The store remembers when a key was used last, to the hour. */
static void note_use(struct gw_auth *auth, const struct gw_key *key)
{
	const int64_t now_ms = gw_clock_ms();
	struct gw_store_job *job;

	if (!key->stored || !auth->store ||
	    now_ms - key->state->used_at_ms < USED_MS)
		return;
	key->state->used_at_ms = now_ms;
	job = gw_store_job_alloc(0);
	if (!job)
		return;
	if (str_dup(&job->key_used, key->name)) {
		mem_deref(job);
		return;
	}
	(void)gw_store_push(auth->store, job);
}

/* Rates --------------------------------------------------------------------- */

uint32_t gw_auth_rate(struct gw_auth *auth, const struct gw_key *key,
		      uint64_t now_ms)
{
	struct gw_bucket *bucket = !key       ? &auth->open :
				   key->click ? &key->state->visits :
						&key->state->requests;

	return gw_bucket_take(bucket, auth->cfg->limits.requests_per_s,
			      BUCKET_S, now_ms) ?
		       0 :
		       1;
}

/* What is shown ------------------------------------------------------------- */

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
	return gw_failures_count(&auth->failures, client, now_ms) ?
		       GW_AUTH_WRONG :
		       GW_AUTH_LIMITED;
}

static enum gw_auth_verdict
check_click(struct gw_auth *auth, const struct gw_key **keyp, const char *text,
	    const struct gw_auth_try *shown, uint64_t now_ms, int64_t now_s,
	    const char **whyp)
{
	struct gw_key *key = NULL;
	const int err = gw_click_read(&key, text, strlen(text), auth->ring,
				      auth->secret, now_s, whyp);

	if (err == ENOMEM)
		return GW_AUTH_MEMORY;
	if (err)
		return refuse(auth, shown->client, now_ms);
	if (!shown->origin || strcmp(shown->origin, key->click->origin) != 0) {
		mem_deref(key);
		*whyp = "this click token is for another page (Origin)";
		return GW_AUTH_WRONG;
	}
	*keyp = key;
	return GW_AUTH_OK;
}

static enum gw_auth_verdict
check_bearer(struct gw_auth *auth, const struct gw_key **keyp, const char *text,
	     const struct gw_auth_try *shown, uint64_t now_ms, int64_t now_s,
	     const char **whyp)
{
	const size_t len = strlen(text);
	const struct gw_key *key = NULL;

	if (len <= SECRET_MAX)
		key = gw_keyring_by_secret(auth->ring, text, len);
	if (key && !gw_key_is_over(key, gw_clock_ms())) {
		note_use(auth, key);
		*keyp = mem_ref((void *)(uintptr_t)key);
		return GW_AUTH_OK;
	}
	if (gw_click_looks_like(text, len))
		return check_click(auth, keyp, text, shown, now_ms, now_s,
				   whyp);
	return refuse(auth, shown->client, now_ms);
}

/* The key counts; that the account is its own is looked at so that nobody is told
 * of calls which his credentials don't seem to be for. */
static enum gw_auth_verdict check_basic(struct gw_auth *auth,
					const struct gw_key **keyp,
					const char *header,
					const struct gw_auth_try *shown,
					uint64_t now_ms, const char **whyp)
{
	const struct gw_key *key = NULL;
	struct gw_twilio_basic basic;
	char account[GW_TWILIO_SID_SIZE];
	enum gw_auth_verdict verdict = GW_AUTH_OK;

	if (gw_twilio_basic_read(&basic, header))
		key = gw_keyring_by_secret(auth->ring, basic.key,
					   strlen(basic.key));
	if (!key || gw_key_is_over(key, gw_clock_ms())) {
		verdict = refuse(auth, shown->client, now_ms);
	} else {
		gw_twilio_account_sid(account, key->project);
		if (strcmp(account, basic.account) != 0)
			verdict = GW_AUTH_WRONG;
	}
	if (verdict == GW_AUTH_OK) {
		note_use(auth, key);
		*keyp = mem_ref((void *)(uintptr_t)key);
	} else {
		*whyp = "AccountSid and AuthToken don't belong together: the "
			"token is a key, the sid that of its project (bellpull "
			"key list)";
	}
	OPENSSL_cleanse(&basic, sizeof(basic));
	return verdict;
}

/* 256 random bits are not guessed: one that has expired is not an attack. */
static enum gw_auth_verdict by_visit(const struct gw_key **keyp,
				     const struct gw_key *key)
{
	if (!key || gw_key_is_over(key, gw_clock_ms()))
		return GW_AUTH_WRONG;
	*keyp = mem_ref((void *)(uintptr_t)key);
	return GW_AUTH_OK;
}

static enum gw_auth_verdict check_ticket(struct gw_auth *auth,
					 const struct gw_key **keyp,
					 const struct gw_auth_try *shown,
					 uint64_t now_ms, const char **whyp)
{
	const struct gw_visits_use use = {
		.text = shown->ticket,
		.call_id = shown->call_id,
		.origin = shown->origin,
		.again = shown->again,
	};

	*whyp = "this stream ticket is not known: it is good for one stream, "
		"within 60 seconds";
	return by_visit(keyp, gw_visits_by_ticket(auth->visits, &use, now_ms));
}

enum gw_auth_verdict
gw_auth_check(struct gw_auth *auth, const struct gw_key **keyp,
	      enum gw_auth_way *wayp, const struct gw_auth_try *shown,
	      uint64_t now_ms, int64_t now_s, const char **whyp)
{
	const char *text = shown->authorization;
	size_t len = 0;

	*keyp = NULL;
	*wayp = GW_AUTH_BY_KEY;
	*whyp = "this key or session is not known";
	if (!gw_auth_needed(auth))
		return GW_AUTH_OK;

	if (text && !strncasecmp(text, "Bearer ", 7)) {
		text += 7;
		text += strspn(text, " ");
		return check_bearer(auth, keyp, text, shown, now_ms, now_s,
				    whyp);
	}
	if (text && shown->basic && !strncasecmp(text, "Basic ", 6)) {
		text += 6;
		text += strspn(text, " ");
		return check_basic(auth, keyp, text, shown, now_ms, whyp);
	}
	if (text)
		return refuse(auth, shown->client, now_ms);
	if (shown->ticket) {
		*wayp = GW_AUTH_BY_TICKET;
		return check_ticket(auth, keyp, shown, now_ms, whyp);
	}
	text = cookie_value(shown->cookie, &len);
	if (!text)
		return GW_AUTH_NONE;
	*wayp = GW_AUTH_BY_COOKIE;
	return by_visit(keyp,
			gw_visits_by_session(auth->visits, text, len, now_ms));
}

enum gw_auth_verdict gw_auth_login(struct gw_auth *auth,
				   char cookie[GW_AUTH_COOKIE_SIZE],
				   const char *secret, const char *client,
				   uint64_t now_ms)
{
	const struct gw_key *key =
		gw_keyring_by_secret(auth->ring, secret, strlen(secret));

	if (!key || gw_key_is_over(key, gw_clock_ms()))
		return refuse(auth, client, now_ms);

	note_use(auth, key);
	return gw_visits_session(auth->visits, cookie, key, now_ms) ?
		       GW_AUTH_MEMORY :
		       GW_AUTH_OK;
}
