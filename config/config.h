/* What an operator may set: read from a JSON file with comments and from the
 * environment, checked whole, and kept in plain structs.
 *
 * Every setting is one row of a table in config_table.c: its JSON pointer,
 * type, bounds, default and help text. The file, the environment, --help-config,
 * docs/configuration.md and the test of bellpull.json all follow that table.
 *
 * Order of what counts: environment, then file, then default. A scalar or a
 * list of strings at /a/b_c is overridden by BELLPULL_A_B_C, inside a line or
 * a key by its number: /lines/0/user by BELLPULL_LINES_0_USER. Lists are comma
 * separated; an empty variable is null or the empty list. A line or key whose
 * number is the next one comes into being that way. Hooks have names instead of
 * numbers, and no variables. For a secret the variable
 * holds the secret itself, or a reference to it. Other variables that begin with
 * BELLPULL_ are refused, unless something refers to them ("env:BELLPULL_KEY").
 *
 * A secret in the file is a reference: "env:NAME", "file:/path" (trailing line
 * break cut; refused if others could read it: any mode bit beyond 0640) or
 * "credential:NAME" (a file in systemd's $CREDENTIALS_DIRECTORY). A secret as
 * such is refused unless "allow_inline" is true. Secrets live in buffers of
 * their own, are wiped when freed and are never printed.
 *
 * A configuration is immutable once loaded and may be read by any thread while
 * somebody holds a reference (its counter is not atomic). */
#ifndef BELLPULL_CONFIG_CONFIG_H
#define BELLPULL_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct gw_json_doc;
struct gw_secret;

/* A list of strings. list is NULL when count is 0. */
struct gw_config_strings {
	const char *const *list;
	size_t count;
};

/* A list of secrets; one of numbers. NULL when count is 0. */
struct gw_config_secrets {
	struct gw_secret *const *list;
	size_t count;
};

struct gw_config_ints {
	const uint32_t *list;
	size_t count;
};

enum gw_config_transport {
	GW_CONFIG_UDP,
	GW_CONFIG_TCP,
	GW_CONFIG_TLS,
};

enum gw_config_level {
	GW_CONFIG_ERROR,
	GW_CONFIG_WARNING,
	GW_CONFIG_INFO,
	GW_CONFIG_DEBUG,
};

/* The status of a call that was declined (603, 607, 608). */
enum gw_config_decline {
	GW_CONFIG_DECLINE_BUSY,
	GW_CONFIG_DECLINE_FAILED,
};

/* "127.0.0.1:8080", "[::1]:8080", "udp:auto:5060". */
struct gw_config_listen {
	enum gw_config_transport transport; /* of SIP; HTTP: TCP          */
	const char *address; /* numeric, IPv6 without brackets; or "auto" */
	uint16_t port;       /* 0: the system chooses                     */
};

struct gw_config_listens {
	const struct gw_config_listen *list;
	size_t count;
};

struct gw_config_http {
	struct gw_config_listens listen;
	const char *public_base_url; /* without a trailing slash; or NULL */
	const char *certificate;     /* PEM file; NULL: no TLS            */
	const char *key;             /* PEM file; NULL with certificate   */
	struct gw_config_strings cors_origins;
	struct gw_config_strings trusted_proxies; /* addresses or CIDR    */
	struct gw_config_strings frame_ancestors; /* origins that may embed */
	uint32_t heartbeat_s;                     /* of event streams */
	bool require_idempotency_key;
};

struct gw_config_sip {
	struct gw_config_listens listen;
	bool ports_chosen;     /* somebody wrote listen: its ports matter */
	const char *advertise; /* numeric address; or NULL                */
	const char *ca_file;   /* or NULL                                 */
};

struct gw_config_media {
	const char *listen;    /* numeric address                         */
	const char *advertise; /* numeric address; or NULL                */
	struct gw_config_strings browser_advertise; /* numeric; or empty      */
	uint16_t port_min, port_max;
	struct gw_config_strings codecs; /* telephone-event is always in it */
	const char *sounds;     /* directory                                  */
	const char *recordings; /* directory                              */
	bool recording_tone;
	uint32_t stall_s; /* 0: never                                     */
};

struct gw_config_store {
	const char *url; /* "sqlite:bellpull.db"                          */
	uint32_t keep_days;
	uint32_t linger_ms; /* how long a commit waits for company        */
};

struct gw_config_log {
	enum gw_config_level level;
	bool pii; /* whether numbers of people may be written out         */
};

struct gw_config_limits {
	struct gw_config_strings headers; /* name patterns, "X-*"         */
	uint32_t body_bytes;
	uint32_t calls;       /* at the same time                  */
	uint32_t calls_later; /* waiting for their time            */
	uint32_t calls_later_per_key;
	uint32_t calls_per_s;    /* of one key, on average            */
	uint32_t requests_per_s; /* of one key, on average            */
	uint32_t streams;        /* event streams at the same time    */
	uint32_t streams_per_key;
	uint32_t connections;        /* of HTTP at the same time          */
	uint32_t connections_per_ip; /* 0: no limit                       */
	uint32_t idempotency_hours;  /* how long a key is remembered      */
};

/* One rule of the policy. A list that is empty asks for nothing. */
struct gw_config_rule {
	const char *name;
	bool deny;                          /* the setting `action`         */
	struct gw_config_strings prefixes;  /* of normalised numbers      */
	struct gw_config_strings countries; /* their numbers: "DE"        */
	struct gw_config_strings hosts;     /* of SIP addresses           */
	struct gw_config_strings keys, projects, lines;
	struct gw_config_strings days; /* "mon" ...                       */
	const char *hours;             /* "08:00-18:00"; or NULL          */
	uint32_t max_minutes;          /* of a call; 0: no limit          */
	uint32_t cost; /* of a minute, in thousandths of the operator's coin */
};

enum gw_config_per {
	GW_CONFIG_PER_GATEWAY,
	GW_CONFIG_PER_PROJECT,
	GW_CONFIG_PER_KEY,
	GW_CONFIG_PER_LINE,
	GW_CONFIG_PER_DESTINATION,
	GW_CONFIG_PER_FROM,
	GW_CONFIG_PER_PAIR,
	GW_CONFIG_PER_CLIENT,
};

enum gw_config_window {
	GW_CONFIG_AT_ONCE,
	GW_CONFIG_MINUTE,
	GW_CONFIG_HOUR,
	GW_CONFIG_DAY,
};

/* One limit of the policy. 0: it doesn't count this. */
struct gw_config_limit {
	const char *name;
	enum gw_config_per per;
	enum gw_config_window window;
	uint32_t calls, minutes, cost, destinations, neighbours;
	bool hard;
	struct gw_config_strings keys, lines;
};

/* What may be dialled, and how much of it. */
struct gw_config_policy {
	uint32_t extension_min_digits;
	uint32_t extension_max_digits;
	bool own_domain;       /* sip: URIs at the line's domain  */
	bool follow_redirects; /* 3xx, to where it allows         */
	struct gw_config_strings countries, hosts;
	struct gw_config_rule *rules;
	size_t rule_count;
	struct gw_config_limit *limits;
	size_t limit_count;
};

struct gw_config_caller_id {
	const char *number; /* NULL: the line's user                      */
	const char *name;   /* NULL: the line's display_name              */
	bool privacy;
};

struct gw_config_dial {
	const char *strip;  /* leading digits to take away; or NULL      */
	const char *prefix; /* digits to put in front; or NULL           */
	const char *format; /* "as_is", "e164", "e164_no_plus", "national" */
	bool feature_codes;
};

/* One SIP identity. */
struct gw_config_line {
	const char *name;         /* never NULL: else user                */
	const char *display_name; /* or NULL                              */
	const char *user;
	const char *auth_user;      /* NULL: user                         */
	struct gw_secret *password; /* or NULL                            */
	const char *domain;
	uint16_t port;    /* 0: by DNS, else the transport's usual one    */
	bool do_register; /* the setting `register`                       */
	enum gw_config_transport transport;
	struct gw_config_strings proxies;
	uint32_t expires_s;
	uint32_t session_expires_s; /* 0: no session timer */
	struct gw_config_caller_id caller_id;
	struct gw_config_strings caller_ids;
	const char *identity_header; /* "from", "pai", "rpi"              */
	const char *auto_answer;     /* header family; or NULL            */
	struct gw_config_dial dial;
	const char *country; /* never less than the general one; or NULL  */
	struct gw_config_strings codecs; /* as in media; never empty      */
	bool srtp;
	bool nat_auto;
	uint32_t max_calls; /* 0: no limit of its own                     */
	bool is_default;    /* exactly one line is, if there are lines    */
};

/* Who may use the API. */
struct gw_config_key {
	const char *name;
	struct gw_secret *secret;
	const char *project;
	struct gw_config_strings scopes;
	struct gw_config_strings lines; /* names; empty: all              */
	struct gw_config_strings caller_ids;
	struct gw_secret *token_secret;     /* signs click tokens; or NULL */
	struct gw_secret *token_public_key; /* PEM, Ed25519; or NULL       */
	struct gw_config_strings visitor_prefixes;
	struct gw_secret *webhook_secret; /* or NULL                      */
	struct gw_config_strings callback_hosts;
	const char *from; /* of /2010-04-01: rung before To; or NULL */
};

/* Who is told of events by HTTP. */
struct gw_config_endpoint {
	const char *name, *url;
	struct gw_config_secrets secrets;
	struct gw_config_strings events; /* types, call.*; empty: all     */
	bool unordered;                  /* the setting `ordering`        */
	unsigned format; /* enum gw_webhook_format (webhook_template.h)   */
	const char *header_name;        /* or NULL                       */
	struct gw_secret *header_value; /* or NULL                       */
	const char *ca_file;            /* or NULL                       */
};

struct gw_config_webhooks {
	bool allow_http;
	struct gw_config_strings allow_targets;
	struct gw_config_ints schedule; /* seconds                        */
	uint32_t max_waiting;
	struct gw_config_endpoint *endpoints;
	size_t endpoint_count;
};

/* A CRM that places calls by its webhooks. The texts in mapping and the pointers in
 * when were checked (config/template.h). */
struct gw_config_hook {
	const char *name;
	const char *profile; /* a word of the table, in small letters     */
	bool enabled;
	struct gw_config_secrets secrets;
	const char *user; /* of Basic; or NULL                             */
	struct gw_secret *password;
	const char *header;               /* that carries the secret; or NULL */
	bool old_signatures;              /* of hubspot: v1 and v2, too     */
	struct gw_config_strings sources; /* addresses or CIDR; empty: any */
	struct gw_json_doc *mapping;      /* an object                     */
	struct gw_json_doc *when;         /* an array                      */
	struct gw_json_doc *tables;       /* an object of objects          */
	const char *each;   /* pointer; NULL: the profile's, or none       */
	const char *dedupe; /* pointer or "header:NAME"; NULL: the profile's */
	uint32_t replay_hours;
	uint32_t on_reject; /* 200 or 422                                  */
	const char *project;
	struct gw_config_strings lines; /* names; empty: all               */
	struct gw_config_strings caller_ids;
};

struct gw_config {
	struct gw_config_http http;
	struct gw_config_sip sip;
	struct gw_config_media media;
	struct gw_config_store store;
	struct gw_config_log log;
	struct gw_config_limits limits;
	struct gw_config_policy policy;
	struct gw_config_webhooks webhooks;
	const char *country; /* ISO 3166-1, two capital letters; or NULL  */
	uint32_t drain_s;
	enum gw_config_decline decline_status;
	bool sandbox;
	bool allow_inline;

	struct gw_config_line *lines;
	size_t line_count;
	struct gw_config_key *keys;
	size_t key_count;
	struct gw_config_hook *hooks;
	size_t hook_count;
};

enum {
	GW_CONFIG_LINES_MAX = 1000,
	GW_CONFIG_KEYS_MAX = 1000,
	GW_CONFIG_HOOKS_MAX = 200,
	GW_CONFIG_RULES_MAX = 1000,
	GW_CONFIG_LIMITS_MAX = 64,
	GW_CONFIG_ENDPOINTS_MAX = 64,
	GW_CONFIG_ERRORS_MAX = 20,
	GW_CONFIG_SECRET_MAX = 4096, /* bytes */
};

/* One thing that is wrong, and what to do about it. */
struct gw_config_error {
	char pointer[128]; /* of the setting; "" is the whole file         */
	uint32_t line;     /* in the file; 0: not there                    */
	char variable[96]; /* the environment variable it comes from, or "" */
	char text[320];    /* for people, without pointer and place        */
};

/* Everything that is wrong, in the order of the file as far as possible. */
struct gw_config_errors {
	size_t count; /* in list                                           */
	size_t more;  /* found, but without room                           */
	struct gw_config_error list[GW_CONFIG_ERRORS_MAX];
};

/* Reads the file at path, or none if path is NULL (then, if there are no lines
 * from elsewhere, the sandbox is on by default), and the environment. On success
 * *cfgp carries one reference, the caller's: mem_deref() it, and all strings and
 * secrets are gone. On error *cfgp is left alone and *errs tells all that was
 * found.
 * Blocks (files). Returns 0, EINVAL (see errs) or ENOMEM. */
int gw_config_load(struct gw_config **cfgp, const char *path,
		   struct gw_config_errors *errs);

/* The same from memory, without looking at the environment for overrides. */
int gw_config_parse(struct gw_config **cfgp, const char *text, size_t len,
		    struct gw_config_errors *errs);

/* What counts when there is neither file nor environment: http on loopback,
 * port 8080, with the sandbox, no lines, no keys. Returns 0 or ENOMEM. */
int gw_config_default(struct gw_config **cfgp);

/* Whether a setting counts as soon as the configuration is read again. What
 * doesn't needs a restart: addresses that are listened at, lines, the store... */
bool gw_config_in_flight(const char *pointer);

/* For a process that runs by old and has loaded cfg, which nobody has seen yet:
 * what can't change in flight is set in cfg to what old has, and kepth is told the
 * pointer of each such setting that was to be another ("/lines/2" of a line).
 * Pointers into old to what was kept stay good as long as cfg lives.
 * Returns 0 or ENOMEM (then cfg is good for nothing but mem_deref()). */
typedef void(gw_config_kept_h)(const char *pointer, void *arg);
int gw_config_keep(struct gw_config *cfg, const struct gw_config *old,
		   gw_config_kept_h *kepth, void *arg);

/* `/lines/0/prot: not a setting; did you mean "port"? (line 12)`, cut to size. */
void gw_config_error_print(char *buf, size_t size,
			   const struct gw_config_error *error);

/* For --check: loads path as above and tells people what came of it: one line
 * per error on f, or a summary without any secret. Returns as gw_config_load(). */
int gw_config_check_print(FILE *f, const char *path);

enum gw_config_help_form {
	GW_CONFIG_HELP_TEXT,     /* for a terminal (--help-config)         */
	GW_CONFIG_HELP_MARKDOWN, /* docs/configuration.md                  */
};
/* All settings: pointer, type and bounds, default, variable, help. */
int gw_config_help(FILE *f, enum gw_config_help_form form);

/* For tests and tools that compare samples with the table. The default is JSON
 * text. False when there is no i-th setting. */
struct gw_config_setting {
	const char *pointer; /* "/lines/N/port"                             */
	const char *json_default; /* NULL: it must be set                  */
	const char *help;
};
bool gw_config_setting(struct gw_config_setting *setting, size_t i);

/* Would the setting of a key at pointer ("/keys/N/scopes") take text, as its
 * variable has it? Returns 0, or EINVAL (why: "must be ...") or ENOMEM. */
int gw_config_try(const char *pointer, const char *text, char *why,
		  size_t why_size);

/* "08:00-18:00" as minutes since midnight. False: it is no such text. */
bool gw_config_hours(const char *text, unsigned *fromp, unsigned *top);

/* Does http.listen name anything but loopback? Then a key is needed, in the file or
 * in the store: whoever sees both has to check. */
bool gw_config_open_door(const struct gw_config *cfg);

/* The bytes of a secret, NUL-terminated; they live with the configuration.
 * NULL (and *lenp 0) if secret is NULL. lenp may be NULL. */
const char *gw_secret_text(const struct gw_secret *secret, size_t *lenp);

#endif
