/* See crm_profile.h. A profile is a row: how it is checked, what its sender expects.
 *
 * A repetition is known by an id of the sender's, where there is one; else by what
 * was signed, and not by the signature: that could be written in another way, or
 * with the hook's other secret, and would still count. */
#include "server/crm_profile.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "server/crm_profile_impl.h"
#include "server/crm_sign.h"

/* Pieces of every profile ---------------------------------------------------- */

const char *gw_crm_header(const struct gw_crm_request *req, const char *name)
{
	return req->header(name, req->arg);
}

/* Up to 15 digits and nothing else. */
bool gw_crm_number(const char *text, size_t len, int64_t *valuep)
{
	int64_t value = 0;

	if (!len || len > 15)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = 10 * value + (text[i] - '0');
	}
	*valuep = value;
	return true;
}

enum gw_crm_verdict gw_crm_in_time(const struct gw_crm_request *req,
				   int64_t at_ms)
{
	return at_ms < req->now_ms - GW_CRM_WINDOW_S * INT64_C(1000) ||
			       at_ms > req->now_ms +
					       GW_CRM_FUTURE_S * INT64_C(1000) ?
		       GW_CRM_STALE :
		       GW_CRM_GENUINE;
}

enum gw_crm_verdict gw_crm_known_by(struct gw_crm_identity *identity,
				    const struct gw_crm_signed *s)
{
	char hex[GW_CRM_HEX_SIZE];

	if (!gw_crm_digest(hex, s))
		return GW_CRM_MEMORY;
	(void)str_ncpy(identity->id, hex, sizeof(identity->id));
	return GW_CRM_GENUINE;
}

enum gw_crm_verdict gw_crm_known_by_id(struct gw_crm_identity *identity,
				       const char *id)
{
	struct gw_crm_signed s = { .count = 0 };

	identity->by_body = false;
	if (strlen(id) <= GW_CRM_ID_MAX) {
		(void)str_ncpy(identity->id, id, sizeof(identity->id));
		return GW_CRM_GENUINE;
	}
	gw_crm_signed_str(&s, id);
	return gw_crm_known_by(identity, &s);
}

/* There is no id, and the next one of this body may be meant. */
static enum gw_crm_verdict known_by_body(struct gw_crm_identity *identity,
					 const struct gw_crm_request *req)
{
	struct gw_crm_signed s = { .count = 0 };

	identity->by_body = true;
	gw_crm_signed_add(&s, req->body, req->len);
	return gw_crm_known_by(identity, &s);
}

/* One secret after the other, all of them: which one it was takes no less time. */
bool gw_crm_any_mac(const struct gw_config_hook *hook,
		    const struct gw_crm_signed *s, gw_crm_fits_h *fits,
		    const void *arg)
{
	bool found = false;

	for (size_t i = 0; i < hook->secrets.count; i++) {
		uint8_t mac[GW_CRM_MAC_MAX];
		size_t len, mac_len;
		const char *key = gw_secret_text(hook->secrets.list[i], &len);

		mac_len = key ? gw_crm_hmac(mac, false, key, len, s) : 0;
		found |= mac_len && fits(mac, mac_len, arg);
	}
	return found;
}

bool gw_crm_any_secret(const struct gw_config_hook *hook, const char *given,
		       size_t given_len)
{
	bool found = false;

	for (size_t i = 0; i < hook->secrets.count; i++) {
		size_t len;
		const char *secret =
			gw_secret_text(hook->secrets.list[i], &len);

		found |= secret &&
			 gw_crm_is_secret(given, given_len, secret, len);
	}
	return found;
}

bool gw_crm_fits_base64(const uint8_t *mac, size_t len, const void *given)
{
	char want[GW_CRM_BASE64_SIZE];

	gw_crm_base64(want, mac, len);
	return gw_crm_same(given, strlen(given), want);
}

bool gw_crm_fits_hex(const uint8_t *mac, size_t len, const void *given)
{
	char want[GW_CRM_HEX_SIZE];

	gw_crm_hex(want, mac, len);
	return gw_crm_same(given, strlen(given), want);
}

/* Those that show a password ------------------------------------------------- */

/* "Basic dXNlcjpwYXNz": what follows the scheme, or NULL. */
static const char *credentials(const struct gw_crm_request *req,
			       const char *scheme)
{
	const char *text = gw_crm_header(req, "Authorization");
	const size_t len = strlen(scheme);

	if (!text || strncasecmp(text, scheme, len) != 0 || text[len] != ' ')
		return NULL;
	text += len;
	return text + strspn(text, " ");
}

static bool is_password(const struct gw_config_hook *hook, const char *given)
{
	char plain[512], *want;
	size_t pass_len, len = strlen(given);
	const char *pass = gw_secret_text(hook->password, &pass_len);
	const size_t want_len = strlen(hook->user) + 1 + pass_len;
	size_t out = sizeof(plain);
	bool same = false;

	if (!pass || len > 680 ||
	    base64_decode(given, len, (uint8_t *)plain, &out))
		return false;
	want = mem_alloc(want_len, NULL);
	if (want) {
		memcpy(want, hook->user, strlen(hook->user));
		want[strlen(hook->user)] = ':';
		memcpy(want + want_len - pass_len, pass, pass_len);
		same = gw_crm_is_secret(plain, out, want, want_len);
		OPENSSL_cleanse(want, want_len);
	}
	mem_deref(want);
	OPENSSL_cleanse(plain, sizeof(plain));
	return same;
}

static enum gw_crm_verdict check_basic(struct gw_crm_identity *identity,
				       const struct gw_config_hook *hook,
				       const struct gw_crm_request *req)
{
	const char *given = credentials(req, "Basic");
	const char *id = gw_crm_header(req, "Idempotency-Key");

	if (!given || !is_password(hook, given))
		return GW_CRM_WRONG;
	return id ? gw_crm_known_by_id(identity, id) :
		    known_by_body(identity, req);
}

static enum gw_crm_verdict check_bearer(struct gw_crm_identity *identity,
					const struct gw_config_hook *hook,
					const struct gw_crm_request *req)
{
	const char *given = hook->header ? gw_crm_header(req, hook->header) :
					   credentials(req, "Bearer");
	const char *id = gw_crm_header(req, "Idempotency-Key");

	if (!given || !gw_crm_any_secret(hook, given, strlen(given)))
		return GW_CRM_WRONG;
	return id ? gw_crm_known_by_id(identity, id) :
		    known_by_body(identity, req);
}

/* Those whose token is in the body ------------------------------------------- */

static bool is_token(const struct gw_config_hook *hook,
		     const struct gw_crm_request *req, const char *pointer)
{
	size_t len;
	const char *token =
		gw_json_string_len(gw_json_find(req->tree, pointer), &len);

	return token && gw_crm_any_secret(hook, token, len);
}

/* What Zoho's notifications echo, or a header that a workflow was told to send. */
static enum gw_crm_verdict check_zoho(struct gw_crm_identity *identity,
				      const struct gw_config_hook *hook,
				      const struct gw_crm_request *req)
{
	const char *given = hook->header ? gw_crm_header(req, hook->header) :
					   NULL;

	if (hook->header ?
		    !given || !gw_crm_any_secret(hook, given, strlen(given)) :
		    !is_token(hook, req, "/token"))
		return GW_CRM_WRONG;
	return known_by_body(identity, req);
}

static enum gw_crm_verdict check_bitrix(struct gw_crm_identity *identity,
					const struct gw_config_hook *hook,
					const struct gw_crm_request *req)
{
	return is_token(hook, req, "/auth/application_token") ?
		       known_by_body(identity, req) :
		       GW_CRM_WRONG;
}

static enum gw_crm_verdict check_salesforce(struct gw_crm_identity *identity,
					    const struct gw_config_hook *hook,
					    const struct gw_crm_request *req)
{
	return is_token(hook, req,
			"/Envelope/Body/notifications/OrganizationId") ?
		       known_by_body(identity, req) :
		       GW_CRM_WRONG;
}

/* The table ------------------------------------------------------------------ */

struct gw_crm_profile {
	const char *name;
	enum gw_crm_verdict (*check)(struct gw_crm_identity *identity,
				     const struct gw_config_hook *hook,
				     const struct gw_crm_request *req);
	bool needs_tree;
	const char *each, *dedupe;
	const char *scheme;
	enum gw_crm_answer answer;
	bool retry_ms;
};

static const struct gw_crm_profile profiles[] = {
	{ "hubspot", gw_crm_check_hubspot, .each = "", .dedupe = "/eventId",
	  .scheme = "Signature", .retry_ms = true },
	{ "pipedrive", check_basic, .dedupe = "/meta/id", .scheme = "Basic" },
	{ "zoho", check_zoho, .needs_tree = true, .scheme = "Bearer" },
	{ "salesforce", check_salesforce, .needs_tree = true,
	  .each = "/Envelope/Body/notifications/Notification", .dedupe = "/Id",
	  .scheme = "Signature", .answer = GW_CRM_ANSWER_SOAP },
	{ "bitrix24", check_bitrix, .needs_tree = true,
	  .dedupe = "/data/CALL_ID", .scheme = "Signature" },
	{ "zendesk", gw_crm_check_zendesk, .scheme = "Signature" },
	{ "github", gw_crm_check_github, .scheme = "Signature" },
	{ "stripe", gw_crm_check_stripe, .scheme = "Signature" },
	{ "twilio", gw_crm_check_twilio, .scheme = "Signature" },
	{ "standard-webhooks", gw_crm_check_standard, .scheme = "Signature" },
	{ "basic", check_basic, .scheme = "Basic" },
	{ "bearer", check_bearer, .scheme = "Bearer" },
};

const struct gw_crm_profile *gw_crm_profile(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(profiles) && strcmp(profiles[i].name, name) != 0)
		i++;
	return i < ARRAY_SIZE(profiles) ? &profiles[i] : NULL;
}

bool gw_crm_profile_needs_tree(const struct gw_crm_profile *profile)
{
	return profile->needs_tree;
}

const char *gw_crm_profile_each(const struct gw_crm_profile *profile)
{
	return profile->each;
}

const char *gw_crm_profile_dedupe(const struct gw_crm_profile *profile)
{
	return profile->dedupe;
}

const char *gw_crm_profile_scheme(const struct gw_crm_profile *profile)
{
	return profile->scheme;
}

enum gw_crm_answer gw_crm_profile_answer(const struct gw_crm_profile *profile)
{
	return profile->answer;
}

bool gw_crm_profile_retry_ms(const struct gw_crm_profile *profile)
{
	return profile->retry_ms;
}

enum gw_crm_verdict gw_crm_check(struct gw_crm_identity *identity,
				 const struct gw_crm_profile *profile,
				 const struct gw_config_hook *hook,
				 const struct gw_crm_request *req)
{
	*identity = (struct gw_crm_identity){ .by_body = false };
	return profile->check(identity, hook, req);
}
