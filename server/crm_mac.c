/* The profiles that sign with HMAC: what exactly is signed, and how the signature is
 * written. Each header has its own small parser; what it doesn't take is wrong, and
 * nobody is told more. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <re.h>

#include "config/config.h"
#include "server/crm_profile_impl.h"

/* GitHub: over the body; the delivery's id is what tells one from the other ----- */

enum gw_crm_verdict gw_crm_check_github(struct gw_crm_identity *identity,
					const struct gw_config_hook *hook,
					const struct gw_crm_request *req)
{
	const char *given = gw_crm_header(req, "X-Hub-Signature-256");
	const char *id = gw_crm_header(req, "X-GitHub-Delivery");
	struct gw_crm_signed s = { .count = 0 };

	gw_crm_signed_add(&s, req->body, req->len);
	if (!given || strncmp(given, "sha256=", 7) != 0 ||
	    !gw_crm_any_mac(hook, &s, gw_crm_fits_hex, given + 7))
		return GW_CRM_WRONG;
	return id && *id ? gw_crm_known_by_id(identity, id) :
			   gw_crm_known_by(identity, &s);
}

/* Stripe: t=1674087231,v1=hex,v1=hex; over "t.body" ---------------------------- */

struct stripe {
	const char *time; /* its digits */
	size_t time_len;
	int64_t at_s;
	const char *header;
};

static bool read_stripe(struct stripe *st, const char *header)
{
	const char *p = header;

	*st = (struct stripe){ .header = header };
	while (*p) {
		const size_t len = strcspn(p, ",");

		if (len > 2 && !strncmp(p, "t=", 2)) {
			if (st->time ||
			    !gw_crm_number(p + 2, len - 2, &st->at_s))
				return false;
			st->time = p + 2;
			st->time_len = len - 2;
		}
		p += len + (p[len] == ',');
	}
	return st->time != NULL;
}

/* Any of its v1 will do; other versions are other schemes. */
static bool fits_stripe(const uint8_t *mac, size_t len, const void *arg)
{
	const struct stripe *st = arg;
	const char *p = st->header;
	char want[GW_CRM_HEX_SIZE];
	bool found = false;

	gw_crm_hex(want, mac, len);
	while (*p) {
		const size_t n = strcspn(p, ",");

		if (n > 3 && !strncmp(p, "v1=", 3))
			found |= gw_crm_same(p + 3, n - 3, want);
		p += n + (p[n] == ',');
	}
	return found;
}

enum gw_crm_verdict gw_crm_check_stripe(struct gw_crm_identity *identity,
					const struct gw_config_hook *hook,
					const struct gw_crm_request *req)
{
	const char *header = gw_crm_header(req, "Stripe-Signature");
	struct gw_crm_signed s = { .count = 0 };
	enum gw_crm_verdict verdict;
	struct stripe st;

	if (!header || !read_stripe(&st, header))
		return GW_CRM_WRONG;
	gw_crm_signed_add(&s, st.time, st.time_len);
	gw_crm_signed_str(&s, ".");
	gw_crm_signed_add(&s, req->body, req->len);
	if (!gw_crm_any_mac(hook, &s, fits_stripe, &st))
		return GW_CRM_WRONG;
	verdict = gw_crm_in_time(req, st.at_s * 1000);
	return verdict ? verdict : gw_crm_known_by(identity, &s);
}

/* Zendesk: over timestamp and body --------------------------------------------- */

/* Two digits in low..high. */
static bool two(const char *p, int low, int high, int *np)
{
	if (!isdigit((unsigned char)p[0]) || !isdigit((unsigned char)p[1]))
		return false;
	*np = 10 * (p[0] - '0') + p[1] - '0';
	return *np >= low && *np <= high;
}

/* "Z", "+02:00", behind a fraction perhaps: seconds to take away. */
static bool read_zone(const char *p, int *secondsp)
{
	int hours, minutes;

	if (*p == '.') {
		const size_t digits = strspn(++p, "0123456789");

		if (!digits || digits > 9)
			return false;
		p += digits;
	}
	*secondsp = 0;
	if (!strcmp(p, "Z"))
		return true;
	if ((*p != '+' && *p != '-') || strlen(p) != 6 || p[3] != ':' ||
	    !two(p + 1, 0, 23, &hours) || !two(p + 4, 0, 59, &minutes))
		return false;
	*secondsp = (*p == '-' ? -60 : 60) * (60 * hours + minutes);
	return true;
}

bool gw_crm_iso_time(const char *text, int64_t *msp)
{
	struct tm tm = { .tm_isdst = 0 };
	int century, year, zone;

	if (strlen(text) < 20 || !two(text, 19, 99, &century) ||
	    !two(text + 2, 0, 99, &year) || text[4] != '-' ||
	    !two(text + 5, 1, 12, &tm.tm_mon) || text[7] != '-' ||
	    !two(text + 8, 1, 31, &tm.tm_mday) || text[10] != 'T' ||
	    !two(text + 11, 0, 23, &tm.tm_hour) || text[13] != ':' ||
	    !two(text + 14, 0, 59, &tm.tm_min) || text[16] != ':' ||
	    !two(text + 17, 0, 60, &tm.tm_sec) || !read_zone(text + 19, &zone))
		return false;
	tm.tm_year = 100 * century + year - 1900;
	tm.tm_mon--;
	*msp = ((int64_t)timegm(&tm) - zone) * 1000;
	return true;
}

enum gw_crm_verdict gw_crm_check_zendesk(struct gw_crm_identity *identity,
					 const struct gw_config_hook *hook,
					 const struct gw_crm_request *req)
{
	const char *given = gw_crm_header(req, "X-Zendesk-Webhook-Signature");
	const char *time =
		gw_crm_header(req, "X-Zendesk-Webhook-Signature-Timestamp");
	struct gw_crm_signed s = { .count = 0 };
	enum gw_crm_verdict verdict;
	int64_t at_ms;

	if (!given || !time || !gw_crm_iso_time(time, &at_ms))
		return GW_CRM_WRONG;
	gw_crm_signed_str(&s, time);
	gw_crm_signed_add(&s, req->body, req->len);
	if (!gw_crm_any_mac(hook, &s, gw_crm_fits_base64, given))
		return GW_CRM_WRONG;
	verdict = gw_crm_in_time(req, at_ms);
	return verdict ? verdict : gw_crm_known_by(identity, &s);
}

/* HubSpot: over method, URI, body and timestamp -------------------------------- */

/* The escapes that HubSpot's documentation takes away from the URI before it is
 * signed; its own library leaves them. Both count. */
static void hubspot_decode(char *uri)
{
	static const char signs[] = ":/?@!$'()*,;";
	const char *in = uri;

	while (*in) {
		char sign = '\0';

		if (in[0] == '%' && isxdigit((unsigned char)in[1]) &&
		    isxdigit((unsigned char)in[2])) {
			const char hex[] = { in[1], in[2], '\0' };

			sign = (char)strtol(hex, NULL, 16);
		}
		if (sign && strchr(signs, sign)) {
			*uri++ = sign;
			in += 3;
		} else {
			*uri++ = *in++;
		}
	}
	*uri = '\0';
}

static void hubspot_signed(struct gw_crm_signed *s,
			   const struct gw_crm_request *req, const char *uri,
			   const char *time)
{
	gw_crm_signed_str(s, req->method);
	gw_crm_signed_str(s, uri);
	gw_crm_signed_add(s, req->body, req->len);
	gw_crm_signed_str(s, time);
}

/* Versions 1 and 2: a hash that begins with the secret, and no time. Whoever has seen
 * one can make it that of a longer text, but with NUL bytes in the middle: crm_tree
 * takes no such body, of whatever type. */
static bool fits_hubspot_old(const struct gw_config_hook *hook,
			     const struct gw_crm_request *req,
			     const char *version, const char *given)
{
	const bool with_url = !strcmp(version, "v2");
	bool found = false;

	if (!with_url && strcmp(version, "v1") != 0)
		return false;
	for (size_t i = 0; i < hook->secrets.count; i++) {
		struct gw_crm_signed s = { .count = 0 };
		char want[GW_CRM_HEX_SIZE];
		size_t len;
		const char *key = gw_secret_text(hook->secrets.list[i], &len);

		if (!key)
			continue;
		gw_crm_signed_add(&s, key, len);
		if (with_url) {
			gw_crm_signed_str(&s, req->method);
			gw_crm_signed_str(&s, req->url);
		}
		gw_crm_signed_add(&s, req->body, req->len);
		found |= gw_crm_digest(want, &s) &&
			 gw_crm_same(given, strlen(given), want);
	}
	return found;
}

/* Where old versions count, one message may come under several of them: what all
 * of them sign is the body, and by that alone it is known again. */
static enum gw_crm_verdict hubspot_known(struct gw_crm_identity *identity,
					 const struct gw_config_hook *hook,
					 const struct gw_crm_request *req,
					 const struct gw_crm_signed *s)
{
	struct gw_crm_signed body = { .count = 0 };

	gw_crm_signed_add(&body, req->body, req->len);
	return gw_crm_known_by(identity, hook->old_signatures ? &body : s);
}

static enum gw_crm_verdict check_hubspot_old(struct gw_crm_identity *identity,
					     const struct gw_config_hook *hook,
					     const struct gw_crm_request *req)
{
	const char *given = gw_crm_header(req, "X-HubSpot-Signature");
	const char *version = gw_crm_header(req, "X-HubSpot-Signature-Version");

	if (!given || !version || !fits_hubspot_old(hook, req, version, given))
		return GW_CRM_WRONG;
	return hubspot_known(identity, hook, req, NULL);
}

enum gw_crm_verdict gw_crm_check_hubspot(struct gw_crm_identity *identity,
					 const struct gw_config_hook *hook,
					 const struct gw_crm_request *req)
{
	const char *given = gw_crm_header(req, "X-HubSpot-Signature-v3");
	const char *time = gw_crm_header(req, "X-HubSpot-Request-Timestamp");
	struct gw_crm_signed s = { .count = 0 }, t = { .count = 0 };
	enum gw_crm_verdict verdict;
	char *uri = NULL;
	int64_t at_ms;
	bool fits;

	/* who shows the new one is held to it */
	if (!given && hook->old_signatures)
		return check_hubspot_old(identity, hook, req);
	if (!given || !time || !gw_crm_number(time, strlen(time), &at_ms))
		return GW_CRM_WRONG;
	if (str_dup(&uri, req->url))
		return GW_CRM_MEMORY;
	hubspot_decode(uri);
	hubspot_signed(&s, req, req->url, time);
	hubspot_signed(&t, req, uri, time);
	fits = gw_crm_any_mac(hook, &s, gw_crm_fits_base64, given);
	fits |= gw_crm_any_mac(hook, &t, gw_crm_fits_base64, given);
	mem_deref(uri);
	verdict = fits ? gw_crm_in_time(req, at_ms) : GW_CRM_WRONG;
	return verdict ? verdict : hubspot_known(identity, hook, req, &s);
}
