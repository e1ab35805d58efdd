/* Keys as the gateway holds them: see key.h. */
#include "server/key.h"

#include <errno.h>
#include <string.h>

#include <openssl/sha.h>
#include <re.h>

/* What the bearer of a click token may do, with its own calls only. */
static const char *const click_scopes[] = {
	"calls:create",  "calls:read",  "calls:hangup",
	"calls:control", "events:read",
};

/* Behind a scope: the same, of the key's own calls. */
static const char own[] = ":own";

static bool sees_own_only(const struct gw_config_strings *scopes)
{
	bool only = false;

	for (size_t i = 0; i < scopes->count; i++) {
		if (!strcmp(scopes->list[i], "admin") ||
		    !strcmp(scopes->list[i], "calls:read"))
			return false;
		only = only || !strcmp(scopes->list[i], "calls:read:own");
	}
	return only;
}

/* What a key owns besides its public part. */
struct owner {
	struct gw_key key; /* first: a key is its owner */
	void *held;        /* configuration or parent whose strings it uses */
	char *name, *project;
	char **lists[3];
	size_t counts[3];
	struct gw_click *click;
};

static void destructor(void *arg)
{
	struct owner *o = arg;

	for (size_t i = 0; i < ARRAY_SIZE(o->lists); i++) {
		for (size_t k = 0; k < o->counts[i]; k++)
			mem_deref(o->lists[i][k]);
		mem_deref(o->lists[i]);
	}
	mem_deref(o->name);
	mem_deref(o->project);
	mem_deref(o->click);
	mem_deref(o->key.state);
	mem_deref(o->held);
}

static void click_destructor(void *arg)
{
	struct gw_click *click = arg;

	mem_deref(click->to);
	mem_deref(click->origin);
}

struct gw_click *gw_click_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_click), click_destructor);
}

static struct owner *alloc(void)
{
	struct owner *o = mem_zalloc(sizeof(*o), destructor);

	if (!o)
		return NULL;
	o->key.state = mem_zalloc(sizeof(*o->key.state), NULL);
	return o->key.state ? o : mem_deref(o);
}

static void *hold(const void *p)
{
	return mem_ref((void *)(uintptr_t)p);
}

/* What a key has of its row. Not the whole configuration: the secrets of others in
 * it would stay in memory for as long as this key does. */
struct parts {
	const void *list[10];
};

static void parts_destructor(void *arg)
{
	struct parts *parts = arg;

	for (size_t i = 0; i < ARRAY_SIZE(parts->list); i++)
		mem_deref((void *)(uintptr_t)parts->list[i]);
}

static struct parts *hold_parts(const struct gw_config_key *row)
{
	struct parts *parts = mem_zalloc(sizeof(*parts), parts_destructor);

	if (parts)
		*parts = (struct parts){
			{ hold(row->name), hold(row->project),
			  hold(row->scopes.list), hold(row->lines.list),
			  hold(row->caller_ids.list), hold(row->token_secret),
			  hold(row->token_public_key),
			  hold(row->visitor_prefixes.list),
			  hold(row->callback_hosts.list), hold(row->from) }
		};
	return parts;
}

int gw_key_of_config(struct gw_key **keyp, const struct gw_config_key *row)
{
	struct owner *o = alloc();
	const char *text;
	size_t len;

	if (!o)
		return ENOMEM;
	o->held = hold_parts(row);
	if (!o->held) {
		mem_deref(o);
		return ENOMEM;
	}
	o->key.name = row->name;
	o->key.project = row->project;
	o->key.scopes = row->scopes;
	o->key.own_only = sees_own_only(&row->scopes);
	o->key.lines = row->lines;
	o->key.caller_ids = row->caller_ids;
	o->key.visitor_prefixes = row->visitor_prefixes;
	o->key.callback_hosts = row->callback_hosts;
	o->key.from = row->from;
	o->key.token_secret = row->token_secret;
	o->key.token_public_key = row->token_public_key;
	text = gw_secret_text(row->secret, &len);
	(void)SHA256((const uint8_t *)(text ? text : ""), len, o->key.hash);
	*keyp = &o->key;
	return 0;
}

int gw_key_of_click(struct gw_key **keyp, const struct gw_key *parent,
		    struct gw_click *click)
{
	struct owner *o = alloc();

	if (!o) {
		mem_deref(click);
		return ENOMEM;
	}
	o->held = hold(parent);
	o->click = click;
	o->key.name = parent->name;
	o->key.project = parent->project;
	o->key.scopes.list = click_scopes;
	o->key.scopes.count = ARRAY_SIZE(click_scopes);
	o->key.lines = parent->lines;
	o->key.caller_ids = parent->caller_ids;
	o->key.visitor_prefixes = parent->visitor_prefixes;
	mem_deref(o->key.state);
	o->key.state = hold(parent->state);
	o->key.expires_at_ms = parent->expires_at_ms;
	o->key.parent = parent;
	o->key.click = click;
	*keyp = &o->key;
	return 0;
}

int gw_key_of_hook(struct gw_key **keyp, const struct gw_config *cfg,
		   const struct gw_config_hook *hook)
{
	struct owner *o = alloc();

	if (!o || re_sdprintf(&o->name, "hook:%s", hook->name)) {
		mem_deref(o);
		return ENOMEM;
	}
	o->held = hold(cfg);
	o->key.name = o->name;
	o->key.project = hook->project;
	o->key.lines = hook->lines;
	o->key.caller_ids = hook->caller_ids;
	*keyp = &o->key;
	return 0;
}

/* "a,b" as a list: of number i of the owner. */
static int split(struct owner *o, size_t i, struct gw_config_strings *strings,
		 const char *text)
{
	size_t count = 0;

	if (!text || !*text)
		return 0;
	for (const char *p = text; p; p = strchr(p, ',')) {
		count++;
		p += *p == ',';
	}
	o->lists[i] = mem_zalloc(count * sizeof(char *), NULL);
	if (!o->lists[i])
		return ENOMEM;
	for (; text && o->counts[i] < count; o->counts[i]++) {
		const struct pl pl = { text, strcspn(text, ",") };

		if (pl_strdup(&o->lists[i][o->counts[i]], &pl))
			return ENOMEM;
		text += pl.l;
		text = *text ? text + 1 : NULL;
	}
	strings->list = (const char *const *)o->lists[i];
	strings->count = o->counts[i];
	return 0;
}

int gw_key_of_row(struct gw_key **keyp, const struct gw_key_row *row)
{
	struct owner *o = alloc();
	int err;

	if (!o)
		return ENOMEM;
	err = str_dup(&o->name, row->name);
	err = err ? err : str_dup(&o->project, row->project);
	err = err ? err : split(o, 0, &o->key.scopes, row->scopes);
	err = err ? err : split(o, 1, &o->key.lines, row->lines);
	err = err ? err : split(o, 2, &o->key.caller_ids, row->caller_ids);
	if (err) {
		mem_deref(o);
		return err;
	}
	o->key.name = o->name;
	o->key.project = o->project;
	o->key.own_only = sees_own_only(&o->key.scopes);
	o->key.stored = true;
	o->key.expires_at_ms = row->expires_at_ms;
	memcpy(o->key.hash, row->hash, GW_KEY_HASH);
	*keyp = &o->key;
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_secret(const struct gw_secret *a, const struct gw_secret *b)
{
	return same_text(gw_secret_text(a, NULL), gw_secret_text(b, NULL));
}

static bool same_strings(const struct gw_config_strings *a,
			 const struct gw_config_strings *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->list[i], b->list[i]) != 0)
			return false;
	return true;
}

bool gw_key_equal(const struct gw_key *a, const struct gw_key *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->project, b->project) &&
	       a->expires_at_ms == b->expires_at_ms && a->stored == b->stored &&
	       !memcmp(a->hash, b->hash, GW_KEY_HASH) &&
	       same_secret(a->token_secret, b->token_secret) &&
	       same_secret(a->token_public_key, b->token_public_key) &&
	       same_strings(&a->scopes, &b->scopes) &&
	       same_strings(&a->lines, &b->lines) &&
	       same_strings(&a->caller_ids, &b->caller_ids) &&
	       same_strings(&a->visitor_prefixes, &b->visitor_prefixes) &&
	       same_strings(&a->callback_hosts, &b->callback_hosts) &&
	       same_text(a->from, b->from);
}

static bool grants(const char *given, const char *scope)
{
	const size_t len = strlen(scope);

	return !strcmp(given, "admin") ||
	       (!strncmp(given, scope, len) &&
		(!given[len] || !strcmp(given + len, own)));
}

bool gw_key_may(const struct gw_key *key, const char *scope)
{
	if (!key || !scope)
		return true;

	for (size_t i = 0; i < key->scopes.count; i++)
		if (grants(key->scopes.list[i], scope))
			return true;

	return false;
}

bool gw_key_is_over(const struct gw_key *key, int64_t now_ms)
{
	return key && (key->state->revoked ||
		       (key->expires_at_ms && now_ms >= key->expires_at_ms));
}

const char *gw_key_name(const struct gw_key *key)
{
	return key ? key->name : "";
}
