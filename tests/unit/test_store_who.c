/* The store: keys, refusals, use, and what may happen once only, in a real database. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>
#include <re.h>
#include <sqlite3.h>

#include "config/config.h"
#include "server/auth.h"
#include "server/clock.h"
#include "server/events.h"
#include "server/http.h"
#include "server/key.h"
#include "server/key_tool.h"
#include "server/log.h"
#include "server/loop.h"
#include "server/refusal.h"
#include "server/store.h"
#include "server/store_keys.h"
#include "server/webhook.h"
#include "tests/test.h"

enum { PATIENCE_MS = 10000 };

#define ID  "call_01J0000000000000000000000A"
#define ID2 "call_01J0000000000000000000000B"

struct world {
	char dir[64], path[96], url[128];
	struct gw_store *store;
	unsigned pushed, done;
	int last_err;
	enum gw_idem_verdict verdict;
	char call_id[GW_STORE_ID_SIZE];
	struct gw_store_read *rd;
	struct gw_auth *auth;
	bool told;
	int told_err;
	unsigned changes;
};

static void remove_dir(const char *dir)
{
	char path[400];
	struct dirent *de;
	DIR *d = opendir(dir);

	while (d && (de = readdir(d))) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		(void)unlink(path);
	}
	if (d)
		(void)closedir(d);
	(void)rmdir(dir);
}

static void world_close(struct world *w)
{
	if (w->auth)
		gw_auth_close(w->auth);
	gw_audit_close();
	gw_store_close(w->store);
	w->store = NULL;
	gw_loop_drain();
}

static void world_end(void *arg)
{
	struct world *w = arg;

	world_close(w);
	mem_deref(w->auth);
	mem_deref(w->rd);
	remove_dir(w->dir);
	gw_loop_close();
	free(w);
}

static int world_open(struct world *w)
{
	const struct gw_store_cfg cfg = { .url = w->url };
	char why[256] = "";
	const int err = gw_store_open(&w->store, &cfg, why, sizeof(why));

	if (err)
		test_fail(__FILE__, __LINE__, "open: %s", why);
	return err;
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	(void)snprintf(w->dir, sizeof(w->dir), "%s/bellpull-who-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (gw_loop_init() || !mkdtemp(w->dir)) {
		free(w);
		return NULL;
	}
	(void)snprintf(w->path, sizeof(w->path), "%s/b.db", w->dir);
	(void)snprintf(w->url, sizeof(w->url), "sqlite:%s", w->path);
	gw_log_set_level(GW_LOG_ERROR);
	test_later(world_end, w);
	return w;
}

static int sql(const struct world *w, const char *text)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open(w->path, &db);

	if (rc == SQLITE_OK) {
		(void)sqlite3_busy_timeout(db, 5000);
		rc = sqlite3_exec(db, text, NULL, NULL, NULL);
	}
	(void)sqlite3_close(db);
	return rc == SQLITE_OK ? 0 : EIO;
}

static void job_done(struct gw_store_job *job, void *arg)
{
	struct world *w = arg;

	w->done++;
	w->last_err = job->err;
	w->verdict = job->verdict;
	str_ncpy(w->call_id, job->call_id, sizeof(w->call_id));
}

/* A job with a call's row (id NULL: without). */
static struct gw_store_job *new_job(struct world *w, const char *id)
{
	struct gw_store_job *job = gw_store_job_alloc(0);
	struct gw_store_call *call = NULL;
	int err = 0;

	if (!job)
		return NULL;
	job->doneh = job_done;
	job->arg = w;
	if (!id)
		return job;
	call = job->call = gw_store_call_alloc();
	if (!call)
		return mem_deref(job);
	str_ncpy(call->id, id, sizeof(call->id));
	call->insert = true;
	call->status = call->state = "queued";
	call->created_at_ms = gw_clock_ms();
	call->snapshot = mbuf_alloc(64);
	err = call->snapshot ? mbuf_write_str(call->snapshot, "{\"a\":1}") :
			       ENOMEM;
	err = err ? err : str_dup(&call->to, "853");
	return err ? mem_deref(job) : job;
}

static bool all_done(void *arg)
{
	const struct world *w = arg;

	return w->done == w->pushed;
}

static int push(struct world *w, struct gw_store_job *job)
{
	int err = job ? gw_store_push(w->store, job) : ENOMEM;

	w->pushed += !err;
	return err ? err : test_run_until(all_done, w, PATIENCE_MS);
}

static void read_done(struct gw_store_read *rd, void *arg)
{
	struct world *w = arg;

	w->rd = mem_ref(rd);
}

static bool has_read(void *arg)
{
	const struct world *w = arg;

	return w->rd != NULL;
}

static int ask(struct world *w, struct gw_store_read *rd)
{
	int err;

	if (!rd)
		return ENOMEM;
	w->rd = mem_deref(w->rd);
	rd->doneh = read_done;
	rd->arg = w;
	err = gw_store_ask(w->store, rd);
	err = err ? err : test_run_until(has_read, w, PATIENCE_MS);
	return err ? err : w->rd->err;
}

/* Once only ------------------------------------------------------------------ */

static int push_dedupe(struct world *w, const char *id, const char *scope,
		       int64_t until_ms)
{
	struct gw_store_job *job = new_job(w, id);

	if (!job)
		return ENOMEM;
	job->dedupe = gw_store_dedupe_alloc();
	if (!job->dedupe || str_dup(&job->dedupe->scope_key, scope)) {
		mem_deref(job);
		return ENOMEM;
	}
	job->dedupe->until_ms = until_ms;
	return push(w, job);
}

/* A6: the same two, while it counts; through a restart. */
static int test_store_who_dedupe(void)
{
	const int64_t later_ms = gw_clock_ms() + 60000;
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(push_dedupe(w, ID, "p 853 854", later_ms));
	CHECK_INT(w->verdict, GW_IDEM_NEW);
	world_close(w);
	CHECK_OK(world_open(w));
	CHECK_OK(push_dedupe(w, ID2, "p 853 854", later_ms));
	CHECK_INT(w->verdict, GW_IDEM_DUPLICATE);
	CHECK_STR(w->call_id, ID);
	CHECK_OK(push_dedupe(w, ID2, "q 853 854", later_ms));
	CHECK_INT(w->verdict, GW_IDEM_NEW);
	CHECK_OK(sql(w, "UPDATE dedupe SET expires_at = 1"));
	CHECK_OK(push_dedupe(w, "call_01J0000000000000000000000C", "p 853 854",
			     later_ms));
	CHECK_INT(w->verdict, GW_IDEM_NEW);
	return 0;
}
TEST(test_store_who_dedupe);

static int push_click(struct world *w, const char *id, uint32_t uses)
{
	struct gw_store_job *job = new_job(w, id);

	if (!job)
		return ENOMEM;
	job->click = gw_store_click_alloc();
	if (!job->click || str_dup(&job->click->id, "crm/a1")) {
		mem_deref(job);
		return ENOMEM;
	}
	job->click->uses = uses;
	job->click->expires_at_ms = gw_clock_ms() + 60000;
	return push(w, job);
}

/* E4: so many uses, through a restart. */
static int test_store_who_click_is_used_up(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	CHECK_OK(world_open(w));
	for (int i = 0; i < 4; i++) {
		(void)snprintf(id, sizeof(id), "call_%026d", i);
		CHECK_OK(push_click(w, id, 3));
		CHECK_INT(w->verdict, i < 3 ? GW_IDEM_NEW : GW_IDEM_SPENT);
	}
	world_close(w);
	CHECK_OK(world_open(w));
	CHECK_OK(push_click(w, "call_00000000000000000000000009", 3));
	CHECK_INT(w->verdict, GW_IDEM_SPENT);
	return 0;
}
TEST(test_store_who_click_is_used_up);

static int look_idem(struct world *w, const char *scope, uint8_t hash)
{
	struct gw_store_job *job = new_job(w, NULL);

	if (!job)
		return ENOMEM;
	job->idem = gw_store_idem_alloc();
	if (!job->idem || str_dup(&job->idem->scope_key, scope)) {
		mem_deref(job);
		return ENOMEM;
	}
	memset(job->idem->body_sha256, hash, sizeof(job->idem->body_sha256));
	job->idem->only_look = true;
	return push(w, job);
}

/* A6: looking alone writes nothing. */
static int test_store_who_looks_an_idempotency_key_up(void)
{
	struct world *w = world_new();
	struct gw_store_job *job;

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(look_idem(w, "k", 1));
	CHECK_INT(w->verdict, GW_IDEM_UNKNOWN);
	job = new_job(w, ID);
	CHECK(job);
	job->idem = gw_store_idem_alloc();
	if (!job->idem || str_dup(&job->idem->scope_key, "k")) {
		mem_deref(job);
		return 1;
	}
	CHECK_OK(push(w, job));
	CHECK_INT(w->verdict, GW_IDEM_NEW);
	CHECK_OK(look_idem(w, "k", 0));
	CHECK_INT(w->verdict, GW_IDEM_REPLAY);
	CHECK_STR(w->call_id, ID);
	CHECK_OK(look_idem(w, "k", 1));
	CHECK_INT(w->verdict, GW_IDEM_MISMATCH);
	return 0;
}
TEST(test_store_who_looks_an_idempotency_key_up);

/* This gateway's own ---------------------------------------------------------- */

static int test_store_who_facts_are_kept(void)
{
	uint8_t secret[GW_STORE_SECRET], none[GW_STORE_SECRET] = { 0 };
	struct world *w = world_new();
	struct gw_store_job *job;

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK(!gw_store_facts(w->store)->frozen);
	memcpy(secret, gw_store_facts(w->store)->secret, sizeof(secret));
	CHECK(memcmp(secret, none, sizeof(secret)) != 0);
	job = new_job(w, NULL);
	CHECK(job);
	job->meta = "frozen";
	job->meta_value = 1;
	CHECK_OK(push(w, job));
	CHECK_INT(w->last_err, 0);
	world_close(w);
	CHECK_OK(world_open(w));
	CHECK(gw_store_facts(w->store)->frozen);
	CHECK(!memcmp(secret, gw_store_facts(w->store)->secret,
		      sizeof(secret)));
	return 0;
}
TEST(test_store_who_facts_are_kept);

/* Refusals ---------------------------------------------------------------------- */

static bool has_written_five(void *arg)
{
	struct world *w = arg;
	struct gw_store_stats st;

	gw_store_stats(w->store, &st);
	return st.jobs >= 5;
}

/* E18, A7: newest first, page by page, what is long is cut. */
static int test_store_who_audit(void)
{
	const uint64_t before = gw_audit_count();
	struct world *w = world_new();
	struct gw_refusal_order order = { "853", NULL, "office" };
	struct gw_refusal refusal = { .audited = true };
	struct gw_store_read *rd;
	char longer[400];

	CHECK(w);
	CHECK_OK(world_open(w));
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	gw_refuse(&refusal, 403, "policy_denied", "no %s", "way");
	str_ncpy(refusal.rule, "default_deny", sizeof(refusal.rule));
	gw_refusal_note(NULL, &refusal, &order); /* before it is open */
	gw_audit_open(w->store);
	for (int i = 0; i < 4; i++)
		gw_refusal_note(NULL, &refusal, &order);
	order.to = longer;
	gw_refusal_note(NULL, &refusal, &order);
	CHECK_INT(gw_audit_count() - before, 6);
	CHECK_OK(test_run_until(has_written_five, w, PATIENCE_MS));

	rd = gw_store_read_alloc(GW_STORE_AUDIT);
	CHECK(rd);
	rd->limit = 3;
	CHECK_OK(ask(w, rd));
	CHECK_INT(w->rd->audit_count, 3);
	CHECK(w->rd->more);
	CHECK_INT(w->rd->audits[0].id, 5);
	CHECK_INT(strlen(w->rd->audits[0].to), 256);
	CHECK_STR(w->rd->audits[1].to, "853");
	CHECK_STR(w->rd->audits[1].code, "policy_denied");
	CHECK_STR(w->rd->audits[1].rule, "default_deny");
	CHECK_STR(w->rd->audits[1].detail, "no way");
	CHECK_STR(w->rd->audits[1].line, "office");
	CHECK(!w->rd->audits[1].from && !w->rd->audits[1].key);

	rd = gw_store_read_alloc(GW_STORE_AUDIT);
	CHECK(rd);
	rd->upto_id = 3;
	CHECK_OK(ask(w, rd));
	CHECK_INT(w->rd->audit_count, 2);
	CHECK(!w->rd->more);
	return 0;
}
TEST(test_store_who_audit);

/* More than a hundred a second are counted, and not written. */
static int test_store_who_audit_is_no_way_to_fill_a_disk(void)
{
	struct world *w = world_new();
	struct gw_refusal_order order = { "853", NULL, NULL };
	struct gw_refusal refusal = { .audited = true };
	struct gw_store_read *rd;

	CHECK(w);
	CHECK_OK(world_open(w));
	gw_audit_open(w->store);
	gw_refuse(&refusal, 403, "policy_denied", "no");
	for (int i = 0; i < 1000; i++)
		gw_refusal_note(NULL, &refusal, &order);
	CHECK_OK(test_run_until(has_written_five, w, PATIENCE_MS));
	rd = gw_store_read_alloc(GW_STORE_AUDIT);
	CHECK(rd);
	rd->limit = 1000;
	CHECK_OK(ask(w, rd));
	CHECK(w->rd->audit_count && w->rd->audit_count < 900);
	return 0;
}
TEST_WITHOUT_OOM(test_store_who_audit_is_no_way_to_fill_a_disk,
		 "the same allocation a thousand times");

/* Use ----------------------------------------------------------------------------- */

static int test_store_who_usage(void)
{
	struct world *w = world_new();
	struct gw_store_job *job;
	struct gw_store_read *rd;
	int err;

	CHECK(w);
	CHECK_OK(world_open(w));
	job = new_job(w, "call_7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
	CHECK(job);
	job->call->cost = 20;
	job->call->seconds = 61;
	job->call->ended_at_ms = gw_clock_ms();
	err = str_dup(&job->call->key, "crm");
	err = err ? err : str_dup(&job->call->project, "p");
	err = err ? err : str_dup(&job->call->line, "office");
	err = err ? err : str_dup(&job->call->number, "+4930");
	err = err ? err : str_dup(&job->call->from_number, "853");
	err = err ? err : str_dup(&job->call->client, "192.0.2.1");
	if (err) {
		mem_deref(job);
		return 1;
	}
	CHECK_OK(push(w, job));
	CHECK_OK(push(w, new_job(w, "call_00000000000000000000000001")));
	rd = gw_store_read_alloc(GW_STORE_USAGE);
	CHECK(rd);
	rd->since_ms = gw_clock_ms() - 60000;
	CHECK_OK(ask(w, rd));
	CHECK_INT(w->rd->usage_count, 1); /* ids tell the time */
	CHECK_STR(w->rd->usages[0].key, "crm");
	CHECK_STR(w->rd->usages[0].project, "p");
	CHECK_STR(w->rd->usages[0].line, "office");
	CHECK_STR(w->rd->usages[0].number, "+4930");
	CHECK_STR(w->rd->usages[0].from, "853");
	CHECK_STR(w->rd->usages[0].client, "192.0.2.1");
	CHECK_INT(w->rd->usages[0].cost, 20);
	return 0;
}
TEST(test_store_who_usage);

/* Keys, beside a store that is open and without one ---------------------------------- */

static int add_key(struct world *w, const char *name, int64_t expires_at_ms)
{
	char n[32], project[] = "p", scopes[] = "calls:read",
		    lines[] = "office";
	struct gw_store_key key = { .name = n,
				    .project = project,
				    .scopes = scopes,
				    .lines = lines,
				    .created_at_ms = 1000,
				    .expires_at_ms = expires_at_ms };
	OWNED struct gw_store_keys *keys = NULL;
	char why[256];
	int err;

	str_ncpy(n, name, sizeof(n));
	(void)SHA256((const uint8_t *)name, strlen(name), key.hash);
	err = gw_store_keys_open(&keys, w->url, why, sizeof(why));
	return err ? err : gw_store_keys_add(keys, &key);
}

static int read_keys(struct world *w, int64_t version)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_KEYS);

	if (!rd)
		return ENOMEM;
	rd->version = version;
	return ask(w, rd);
}

/* E1: beside a gateway that has it open. */
static int test_store_who_keys_come_and_go(void)
{
	OWNED struct gw_store_keys *keys = NULL;
	struct world *w = world_new();
	struct gw_store_job *job;
	char why[256] = "";
	int64_t version;

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(read_keys(w, -1));
	CHECK_INT(w->rd->key_count, 0);
	version = w->rd->version;
	CHECK_OK(add_key(w, "bob", 0));
	CHECK_OK(add_key(w, "anna", 5000));
	CHECK_INT(add_key(w, "anna", 0), EEXIST);
	CHECK_OK(read_keys(w, version));
	CHECK(w->rd->version != version);
	version = w->rd->version;
	CHECK_INT(w->rd->key_count, 2);
	CHECK_STR(w->rd->keys[0].name, "anna");
	CHECK_INT(w->rd->keys[0].expires_at_ms, 5000);
	CHECK_STR(w->rd->keys[1].lines, "office");
	CHECK(!w->rd->keys[1].caller_ids);
	CHECK_OK(read_keys(w, version));
	CHECK_INT(w->rd->key_count, 0); /* nothing new */

	CHECK_OK(gw_store_keys_open(&keys, w->url, why, sizeof(why)));
	CHECK_OK(gw_store_keys_disable(keys, "bob", true));
	CHECK_INT(gw_store_keys_disable(keys, "carol", true), ENOENT);
	CHECK_OK(read_keys(w, version));
	CHECK(w->rd->keys[1].disabled);
	CHECK_OK(gw_store_keys_disable(keys, "bob", false));
	CHECK_OK(gw_store_keys_remove(keys, "anna"));
	CHECK_INT(gw_store_keys_remove(keys, "anna"), ENOENT);

	job = new_job(w, NULL);
	CHECK(job);
	if (str_dup(&job->key_used, "bob")) {
		mem_deref(job);
		return 1;
	}
	version = w->rd->version;
	CHECK_OK(push(w, job));
	CHECK_OK(read_keys(w, version));
	CHECK_INT(w->rd->key_count, 1);
	CHECK(!w->rd->keys[0].disabled);
	CHECK(w->rd->keys[0].used_at_ms > 5000);
	return 0;
}
TEST(test_store_who_keys_come_and_go);

static int test_store_who_keys_where_there_is_no_store(void)
{
	OWNED struct gw_store_keys *keys = NULL;
	OWNED struct gw_store_read *rd = NULL;
	struct world *w = world_new();
	char why[256] = "";

	CHECK(w);
	CHECK_OK(add_key(w, "first", 0));
	CHECK_INT(gw_store_keys_open(&keys, "postgres:x", why, sizeof(why)),
		  EINVAL);
	CHECK(strstr(why, "sqlite:"));
	CHECK(gw_store_keys_open(&keys, "sqlite:/nowhere/at/all/b.db", why,
				 sizeof(why)));
	CHECK(!keys);
	CHECK_OK(gw_store_keys_open(&keys, w->url, why, sizeof(why)));
	CHECK_OK(gw_store_keys_list(keys, &rd));
	CHECK_INT(rd->key_count, 1);
	return 0;
}
TEST(test_store_who_keys_where_there_is_no_store);

/* A row that was tampered with opens nothing, and locks the door all the same. */
static int test_store_who_key_without_its_hash_is_disabled(void)
{
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(add_key(w, "odd", 0));
	CHECK_OK(sql(w, "UPDATE keys SET hash = x'00'"));
	CHECK_OK(read_keys(w, -1));
	CHECK_INT(w->rd->key_count, 1);
	CHECK(w->rd->keys[0].disabled);
	return 0;
}
TEST(test_store_who_key_without_its_hash_is_disabled);

/* The tool ------------------------------------------------------------------------------ */

/* Its words; stdout is caught. Returns the exit code. */
static int tool(struct world *w, char out[2048], const char *words)
{
	static struct gw_config_errors errs;
	static const char json[] =
		"{\"allow_inline\":true,\"store\":{\"url\":\"%s\"},\"keys\":["
		"{\"name\":\"filed\",\"secret\":\"secret-of-filed-123\"}]}";
	char text[400], copy[400], *argv[20] = { NULL };
	OWNED struct gw_config *cfg = NULL;
	int argc = 0, code, saved = dup(STDOUT_FILENO);
	int saved_err = dup(STDERR_FILENO);
	FILE *f = tmpfile();

	(void)snprintf(text, sizeof(text), json, w->url);
	str_ncpy(copy, words, sizeof(copy));
	for (char *p = strtok(copy, " "); p && argc < 19; p = strtok(NULL, " "))
		argv[argc++] = p;
	if (!f || gw_config_parse(&cfg, text, strlen(text), &errs)) {
		code = -1;
	} else {
		(void)fflush(stdout);
		(void)dup2(fileno(f), STDOUT_FILENO);
		(void)dup2(fileno(f), STDERR_FILENO);
		code = gw_key_tool(cfg, argc, argv);
		(void)fflush(stdout);
		(void)dup2(saved, STDOUT_FILENO);
		(void)dup2(saved_err, STDERR_FILENO);
	}
	(void)close(saved);
	(void)close(saved_err);
	out[0] = '\0';
	if (f) {
		rewind(f);
		out[fread(out, 1, 2047, f)] = '\0';
		(void)fclose(f);
	}
	return code;
}

/* E1: made once, shown once; every way to say it wrongly. */
static int test_store_who_key_tool(void)
{
	static const struct {
		const char *words;
		int code;
		const char *says;
	} rows[] = {
		{ "", 64, "add, list" },
		{ "make x", 64, "add, list" },
		{ "add", 64, "takes one name" },
		{ "add a b", 64, "takes one name" },
		{ "list a b", 64, "takes one name" },
		{ "add sp@ce", 64, "sp@ce" },
		{ "add filed", 64, "configuration" },
		{ "add x --scope calls:everything", 64, "calls:everything" },
		{ "add x --caller-id a<b", 64, "a<b" },
		{ "add x --expires 0", 64, "1 to 36500" },
		{ "add x --expires 36501", 64, "1 to 36500" },
		{ "add x --expires 4294967297", 64, "1 to 36500" },
		{ "add x --expires 3d", 64, "1 to 36500" },
		{ "add x --expires -1", 64, "1 to 36500" },
		{ "add x --nothing", 64, "nothing" },
		{ "list", 0, "no keys" },
		{ "add crm --project shop --line office --scope "
		  "calls:create,tokens:create --caller-id +4930 --expires 30",
		  0, "bp_crm_" },
		{ "add --project shop late", 0, "bp_late_" },
		{ "add crm", 65, "already" },
		{ "disable crm", 0, "" },
		{ "list", 0,
		  "crm  project shop  "
		  "account AC8d9001d32c6a703d95921a77115050f3  "
		  "calls:create,tokens:create  lines office" },
		{ "list", 0,
		  "filed  project default  "
		  "account AC37a8eec1ce19687d132fe29051dca629  "
		  "of the configuration" },
		{ "list", 0, "disabled" },
		{ "enable crm", 0, "" },
		{ "remove crm", 0, "" },
		{ "remove crm", 65, "no key called crm" },
		{ "enable nobody", 65, "no key called nobody" },
	};
	struct world *w = world_new();
	char out[2048], key[128] = "";

	CHECK(w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const int code = tool(w, out, rows[i].words);
		const char *at = strstr(out, "bp_late_");

		if (code != rows[i].code || !strstr(out, rows[i].says)) {
			test_fail(__FILE__, __LINE__, "key %s: %d %s",
				  rows[i].words, code, out);
			return 1;
		}
		if (at)
			str_ncpy(key, at, 8 + 43 + 1);
		else
			CHECK(!strstr(out, "bp_") || strstr(out, "bp_crm_"));
	}
	CHECK_INT(strlen(key), 8 + 43);
	CHECK_INT(strspn(key + 8, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz"),
		  43);
	return 0;
}
TEST_WITHOUT_OOM(test_store_who_key_tool,
		 "it is a process of its own that says so and ends");

static void read_by_nobody(struct gw_store_read *rd, void *arg)
{
	(void)rd;
	(void)arg;
}

/* Questions that keep the store busy for a while. */
static int ask_much(struct world *w)
{
	for (int i = 0; i < 500; i++) {
		struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_KEYS);

		if (!rd)
			return ENOMEM;
		rd->doneh = read_by_nobody;
		if (gw_store_ask(w->store, rd))
			return EIO;
	}
	return 0;
}

/* A gateway that is stopped while it starts: what the store answers as it closes
 * leads to no more questions. */
static int test_store_who_webhooks_stop_while_they_load(void)
{
	static struct gw_config_errors errs;
	OWNED struct gw_config *cfg = NULL;
	OWNED struct gw_events *events = NULL;
	OWNED struct gw_webhooks *webhooks = NULL;
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(gw_config_parse(&cfg, "{}", 2, &errs));
	CHECK_OK(gw_events_alloc(&events, w->store));
	CHECK_OK(gw_webhooks_alloc(&webhooks, cfg, w->store, events));
	CHECK_OK(ask_much(w));
	CHECK_OK(gw_webhooks_start(webhooks));
	gw_webhooks_stop(webhooks);
	world_close(w);
	return 0;
}
TEST_WITHOUT_OOM(test_store_who_webhooks_stop_while_they_load,
		 "the same allocation five hundred times");

/* The gateway, following ------------------------------------------------------------------ */

static void followed(int err, void *arg)
{
	struct world *w = arg;

	w->told = true;
	w->told_err = err;
}

static void changed(void *arg)
{
	struct world *w = arg;

	w->changes++;
}

static bool is_told(void *arg)
{
	const struct world *w = arg;

	return w->told;
}

static int follow(struct world *w, const char *json)
{
	static struct gw_config_errors errs;
	static const uint8_t secret[GW_AUTH_SECRET] = { 1 };
	struct gw_config *cfg = NULL;
	int err = gw_config_parse(&cfg, json, strlen(json), &errs);

	err = err ? err : gw_auth_alloc(&w->auth, cfg, secret);
	mem_deref(cfg);
	err = err ? err :
		    gw_auth_follow(w->auth, w->store, followed, changed, w);
	err = err ? err : test_run_until(is_told, w, PATIENCE_MS);
	return err ? err : w->told_err;
}

static enum gw_auth_verdict show(struct world *w, const char *secret,
				 const struct gw_key **keyp)
{
	char header[128];
	const struct gw_auth_try shown = { .authorization = header,
					   .client = "192.0.2.1" };
	enum gw_auth_way way;
	const char *why;

	(void)snprintf(header, sizeof(header), "Bearer %s", secret);
	return gw_auth_check(w->auth, keyp, &way, &shown, 0, 1800000000, &why);
}

static bool opens_anna(void *arg)
{
	const struct gw_key *key = NULL;
	const bool opens = show(arg, "anna", &key) == GW_AUTH_OK && key;

	mem_deref((void *)(uintptr_t)key);
	return opens;
}

static bool opens_anna_not(void *arg)
{
	return !opens_anna(arg);
}

/* E1, B11: added beside it, used, disabled, and removed; the door stays shut. */
static int test_store_who_auth_follows_the_store(void)
{
	OWNED struct gw_store_keys *keys = NULL;
	OWNED struct gw_key *held = NULL;
	const struct gw_key *key = NULL;
	struct world *w = world_new();
	char why[256] = "";

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(follow(w, "{}"));
	CHECK(!gw_auth_needed(w->auth));
	CHECK_OK(add_key(w, "anna", 0));
	CHECK_OK(add_key(w, "gone", 1)); /* expired long ago */
	CHECK_OK(test_run_until(opens_anna, w, PATIENCE_MS));
	CHECK(gw_auth_needed(w->auth));
	CHECK_INT(show(w, "gone", &key), GW_AUTH_WRONG);
	CHECK_INT(show(w, "anna", &key), GW_AUTH_OK);
	held = (void *)(uintptr_t)key;
	CHECK(held->stored);
	CHECK(held->state->used_at_ms);

	CHECK_OK(gw_store_keys_open(&keys, w->url, why, sizeof(why)));
	w->changes = 0;
	CHECK_OK(gw_store_keys_disable(keys, "anna", true));
	CHECK_OK(test_run_until(opens_anna_not, w, PATIENCE_MS));
	CHECK(w->changes);
	CHECK(gw_key_is_over(held, 0));
	CHECK_OK(gw_store_keys_disable(keys, "anna", false));
	CHECK_OK(test_run_until(opens_anna, w, PATIENCE_MS));
	CHECK_OK(gw_store_keys_remove(keys, "anna"));
	CHECK_OK(gw_store_keys_remove(keys, "gone"));
	CHECK_OK(test_run_until(opens_anna_not, w, PATIENCE_MS));
	CHECK(gw_auth_needed(w->auth));
	return 0;
}
TEST(test_store_who_auth_follows_the_store);

static bool has_changed(void *arg)
{
	const struct world *w = arg;

	return w->changes >= 2;
}

/* E1: a key whose time is over ends by itself. */
static int test_store_who_auth_lets_keys_expire(void)
{
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(add_key(w, "anna", gw_clock_ms() + 400));
	CHECK_OK(follow(w, "{}"));
	CHECK_INT(w->changes, 1);
	CHECK_OK(test_run_until(has_changed, w, PATIENCE_MS));
	CHECK(!opens_anna(w));
	return 0;
}
TEST(test_store_who_auth_lets_keys_expire);

/* Closed while the answer is under way: nobody is told. */
static int test_store_who_auth_closes_while_asking(void)
{
	static struct gw_config_errors errs;
	static const uint8_t secret[GW_AUTH_SECRET] = { 1 };
	struct world *w = world_new();
	OWNED struct gw_config *cfg = NULL;

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(gw_config_parse(&cfg, "{}", 2, &errs));
	CHECK_OK(gw_auth_alloc(&w->auth, cfg, secret));
	CHECK_OK(gw_auth_follow(w->auth, w->store, followed, changed, w));
	gw_auth_close(w->auth);
	world_close(w);
	CHECK(!w->told && !w->changes);
	return 0;
}
TEST(test_store_who_auth_closes_while_asking);
