/* Is this webhook from whom it says? One profile per way of signing, each checked on
 * the raw bytes, in constant time, against every secret of the hook.
 *
 * Pure: the time is handed in, headers are asked for by a handler. */
#ifndef BELLPULL_SERVER_CRM_PROFILE_H
#define BELLPULL_SERVER_CRM_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_config_hook;
struct gw_json;

enum {
	GW_CRM_WINDOW_S = 300,      /* how old a signed time may be   */
	GW_CRM_FUTURE_S = 60,       /* and how far ahead              */
	GW_CRM_ID_MAX = 128,        /* longer ids are hashed          */
	GW_CRM_UNSIGNED_S = 5 * 60, /* same body: the same webhook    */
};

/* What came. Nothing of it is kept. */
struct gw_crm_request {
	const char *method;
	const char *url;          /* as the sender called it, query and all */
	const char *content_type; /* or NULL */
	const uint8_t *body;
	size_t len;
	int64_t now_ms; /* wall clock */
	const char *(*header)(const char *name, void *arg);
	const char *(*query)(const char *name, void *arg); /* decoded */
	void *arg;
	const struct gw_json *tree; /* for profiles whose token is in it;
				     * else NULL                         */
};

/* By what a repetition is known. */
struct gw_crm_identity {
	char id[GW_CRM_ID_MAX + 1]; /* its own id, or a hash in hex            */
	bool by_body; /* neither signed nor numbered: the same only for a while */
};

enum gw_crm_verdict {
	GW_CRM_GENUINE,
	GW_CRM_WRONG, /* missing or wrong: nobody is told which */
	GW_CRM_STALE, /* rightly signed, too long ago or ahead  */
	GW_CRM_MEMORY,
};

struct gw_crm_profile;

/* By the word of the setting; every word of it has one. */
const struct gw_crm_profile *gw_crm_profile(const char *name);

/* Whether what it checks stands in the body, which has to be read before. */
bool gw_crm_profile_needs_tree(const struct gw_crm_profile *profile);

/* Where the profile's lists and ids are, when the hook doesn't say; or NULL. */
const char *gw_crm_profile_each(const struct gw_crm_profile *profile);
const char *gw_crm_profile_dedupe(const struct gw_crm_profile *profile);

/* For WWW-Authenticate of a 401: "Basic", "Bearer" or "Signature". */
const char *gw_crm_profile_scheme(const struct gw_crm_profile *profile);

/* How it wants to be answered. */
enum gw_crm_answer {
	GW_CRM_ANSWER_JSON,
	GW_CRM_ANSWER_SOAP, /* Salesforce's acknowledgement */
};
enum gw_crm_answer gw_crm_profile_answer(const struct gw_crm_profile *profile);

/* Does it read Retry-After in thousandths of a second? */
bool gw_crm_profile_retry_ms(const struct gw_crm_profile *profile);

/* Of standard-webhooks: false for a public key (whpk_) that can't be read. */
bool gw_crm_standard_key_ok(const char *text);

/* identity is set when it is genuine. */
enum gw_crm_verdict gw_crm_check(struct gw_crm_identity *identity,
				 const struct gw_crm_profile *profile,
				 const struct gw_config_hook *hook,
				 const struct gw_crm_request *req);

#endif
