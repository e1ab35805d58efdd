/* See key_tool.h. A key is bp_NAME_ and 43 digits of chance; what is kept of it is
 * its SHA-256 (256 bits that nobody chose need no slower hash). */
#include "server/key_tool.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <re.h>

#include "config/config.h"
#include "server/clock.h"
#include "server/store_keys.h"
#include "server/twilio.h"

enum {
	SECRET_DIGITS = 43, /* of 62: 256 bits */
	NAME_MAX_LEN = 64,
	KEY_SIZE = NAME_MAX_LEN + SECRET_DIGITS + 8,
	DAYS_MAX = 36500,
};

const char gw_key_tool_help[] =
	"  key add NAME    make an API key and print it, once. It is kept as a hash; a gateway\n"
	"                  that runs takes it within a second\n"
	"      --project P     keys of one project see each other's calls (default)\n"
	"      --scope S,...   what it may do (calls:create,calls:read,calls:hangup,\n"
	"                      calls:control,events:read,lines:read)\n"
	"      --line L,...    the lines it may use (all)\n"
	"      --caller-id N,...  numbers its calls may show, besides the lines' own\n"
	"      --expires DAYS  after which it opens nothing (never)\n"
	"  key list        names, projects, accounts, scopes, last use; never a key\n"
	"  key disable NAME, key enable NAME, key remove NAME\n";

struct wanted {
	const char *project, *scopes, *lines, *caller_ids;
	unsigned days;
};

static int complain(const char *what, const char *name)
{
	(void)fprintf(stderr, "bellpull: key: %s%s%s\n", what, name ? ": " : "",
		      name ? name : "");
	return EX_USAGE;
}

/* What the file would take is taken here, too: by the table of settings. */
static int check(const char *name, const struct wanted *w)
{
	char why[256];
	const struct {
		const char *setting, *text;
	} rows[] = {
		{ "/keys/N/name", name },
		{ "/keys/N/project", w->project },
		{ "/keys/N/scopes", w->scopes },
		{ "/keys/N/lines", w->lines },
		{ "/keys/N/caller_ids", w->caller_ids },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].text && gw_config_try(rows[i].setting, rows[i].text,
						  why, sizeof(why))) {
			(void)fprintf(stderr, "bellpull: key: \"%s\" %s\n",
				      rows[i].text, why);
			return EX_USAGE;
		}
	}
	return 0;
}

/* Every digit is as likely as any other: bytes that would tip the scale are drawn
 * again. */
static int draw(char text[SECRET_DIGITS + 1])
{
	static const char digits[] = "0123456789"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";
	size_t n = 0;

	while (n < SECRET_DIGITS) {
		uint8_t byte;

		if (RAND_bytes(&byte, 1) != 1)
			return EIO;
		if (byte < 62 * 4)
			text[n++] = digits[byte % 62];
	}
	text[n] = '\0';
	return 0;
}

/* An own copy to be given back with the struct. */
static char *copy(const char *text)
{
	char *dup = NULL;

	return text && !str_dup(&dup, text) ? dup : NULL;
}

static int store_key(struct gw_store_keys *keys, const char *name,
		     const struct wanted *w, const char *key)
{
	const int64_t now_ms = gw_clock_ms();
	struct gw_store_key row = {
		.name = copy(name),
		.project = copy(w->project),
		.scopes = copy(w->scopes),
		.lines = copy(w->lines),
		.caller_ids = copy(w->caller_ids),
		.created_at_ms = now_ms,
		.expires_at_ms =
			w->days ? now_ms + w->days * INT64_C(86400000) : 0,
	};
	int err = ENOMEM;

	(void)SHA256((const uint8_t *)key, strlen(key), row.hash);
	/* a list that was lost would mean "all" */
	if (row.name && row.project && row.scopes && !row.lines == !w->lines &&
	    !row.caller_ids == !w->caller_ids)
		err = gw_store_keys_add(keys, &row);
	mem_deref(row.name);
	mem_deref(row.project);
	mem_deref(row.scopes);
	mem_deref(row.lines);
	mem_deref(row.caller_ids);
	return err;
}

static int add(struct gw_store_keys *keys, const char *name,
	       const struct wanted *w)
{
	char secret[SECRET_DIGITS + 1], key[KEY_SIZE];
	int err;

	err = draw(secret);
	if (!err) {
		(void)snprintf(key, sizeof(key), "bp_%s_%s", name, secret);
		err = store_key(keys, name, w, key);
	}
	if (err == EEXIST)
		(void)fprintf(stderr,
			      "bellpull: there is a key called %s already; "
			      "`bellpull key remove %s` takes it away\n",
			      name, name);
	else if (err)
		(void)fprintf(stderr, "bellpull: the key was not made: %s\n",
			      strerror(err));
	else
		(void)printf("%s\n", key);
	if (!err)
		(void)fputs("bellpull: this is the only time it is shown; its "
			    "account is in bellpull key list\n",
			    stderr);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(secret, sizeof(secret));
	return !err ? 0 : err == EEXIST ? EX_DATAERR : EX_IOERR;
}

static void print_day(const char *what, int64_t at_ms, const char *never)
{
	char text[GW_CLOCK_LEN + 1];

	gw_clock_print(text, at_ms);
	(void)printf("  %s %.10s", what, at_ms ? text : never);
}

/* Of a key: what Twilio's clients call its project. */
static void print_project(const char *name, const char *project)
{
	char account[GW_TWILIO_SID_SIZE];

	gw_twilio_account_sid(account, project);
	(void)printf("%s  project %s  account %s", name, project, account);
}

static int list(const struct gw_config *cfg, struct gw_store_keys *keys)
{
	struct gw_store_read *rd;
	const int err = gw_store_keys_list(keys, &rd);

	if (err) {
		(void)fprintf(stderr, "bellpull: the keys can't be read: %s\n",
			      strerror(err));
		return EX_IOERR;
	}
	for (size_t i = 0; i < rd->key_count; i++) {
		const struct gw_store_key *k = &rd->keys[i];

		print_project(k->name, k->project);
		(void)printf("  %s", k->scopes);
		if (k->lines)
			(void)printf("  lines %s", k->lines);
		print_day("made", k->created_at_ms, "?");
		print_day("used", k->used_at_ms, "never");
		if (k->expires_at_ms)
			print_day("expires", k->expires_at_ms, "");
		(void)printf("%s\n", k->disabled ? "  disabled" : "");
	}
	for (size_t i = 0; i < cfg->key_count; i++) {
		print_project(cfg->keys[i].name, cfg->keys[i].project);
		(void)fputs("  of the configuration\n", stdout);
	}
	if (!rd->key_count)
		(void)fputs("bellpull: there are no keys in the store\n",
			    stderr);
	mem_deref(rd);
	return 0;
}

static int tell(int err, const char *name, const char *what)
{
	if (err == ENOENT)
		(void)fprintf(stderr,
			      "bellpull: there is no key called %s in the "
			      "store; `bellpull key list` shows them (keys of "
			      "the file are changed there)\n",
			      name);
	else if (err)
		(void)fprintf(stderr, "bellpull: the key was not %s: %s\n",
			      what, strerror(err));
	return !err ? 0 : err == ENOENT ? EX_DATAERR : EX_IOERR;
}

/* Returns 0 or an exit code. */
static int read_wanted(struct wanted *w, int argc, char *argv[])
{
	static const struct option known[] = {
		{ "project", required_argument, NULL, 'p' },
		{ "scope", required_argument, NULL, 's' },
		{ "line", required_argument, NULL, 'l' },
		{ "caller-id", required_argument, NULL, 'c' },
		{ "expires", required_argument, NULL, 'e' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long days;
	char *end;
	int c;

	optind = 0; /* anew, and words may stand among the options */
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'p':
			w->project = optarg;
			break;
		case 's':
			w->scopes = optarg;
			break;
		case 'l':
			w->lines = optarg;
			break;
		case 'c':
			w->caller_ids = optarg;
			break;
		case 'e':
			days = strtoul(optarg, &end, 10);
			w->days = (unsigned)days;
			if (*end || !days || days > DAYS_MAX)
				return complain("--expires takes days, 1 to "
						"36500",
						NULL);
			break;
		default:
			return EX_USAGE;
		}
	}
	return 0;
}

static const struct gw_config_key *in_file(const struct gw_config *cfg,
					   const char *name)
{
	for (size_t i = 0; i < cfg->key_count; i++)
		if (!strcmp(cfg->keys[i].name, name))
			return &cfg->keys[i];
	return NULL;
}

static int act(const struct gw_config *cfg, struct gw_store_keys *keys,
	       const char *verb, const char *name, const struct wanted *w)
{
	if (!strcmp(verb, "list"))
		return list(cfg, keys);
	if (!strcmp(verb, "disable"))
		return tell(gw_store_keys_disable(keys, name, true), name,
			    "disabled");
	if (!strcmp(verb, "enable"))
		return tell(gw_store_keys_disable(keys, name, false), name,
			    "enabled");
	if (!strcmp(verb, "remove"))
		return tell(gw_store_keys_remove(keys, name), name, "removed");
	if (in_file(cfg, name))
		return complain("the configuration has a key of this name",
				name);
	return add(keys, name, w);
}

int gw_key_tool(const struct gw_config *cfg, int argc, char *argv[])
{
	static const char *const verbs[] = { "add", "list", "disable", "enable",
					     "remove" };
	struct wanted w = {
		.project = "default",
		.scopes = "calls:create,calls:read,calls:hangup,calls:control,"
			  "events:read,lines:read",
	};
	const char *verb = argc > 0 ? argv[0] : "", *name = NULL;
	struct gw_store_keys *keys;
	char why[256] = "";
	size_t i = 0;
	int code;

	while (i < ARRAY_SIZE(verbs) && strcmp(verbs[i], verb) != 0)
		i++;
	if (i == ARRAY_SIZE(verbs))
		return complain("add, list, disable, enable or remove; "
				"--help tells more",
				NULL);
	code = read_wanted(&w, argc, argv);
	if (code)
		return code;
	if (optind < argc)
		name = argv[optind++];
	if (optind < argc || (!name && strcmp(verb, "list") != 0))
		return complain("this takes one name", verb);
	code = name ? check(name, &w) : 0;
	if (code)
		return code;
	if (gw_store_keys_open(&keys, cfg->store.url, why, sizeof(why))) {
		(void)fprintf(stderr, "bellpull: %s\n", why);
		return EX_IOERR;
	}
	code = act(cfg, keys, verb, name, &w);
	mem_deref(keys);
	return code;
}
