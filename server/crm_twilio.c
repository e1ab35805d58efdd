/* What Twilio signed (twilio_sign.c): the URL and the form. A body that is no form is
 * signed by its SHA-256 in the URL. There is no time in it: a repetition is known by
 * what was signed. */
#include <string.h>

#include <openssl/sha.h>
#include <re.h>

#include "config/config.h"
#include "server/crm_profile_impl.h"
#include "server/crm_tree.h"
#include "server/twilio.h"

static bool is_body(const struct gw_crm_request *req, const char *given)
{
	char want[GW_CRM_HEX_SIZE];
	uint8_t sum[SHA256_DIGEST_LENGTH];

	(void)SHA256(req->body, req->len, sum);
	gw_crm_hex(want, sum, sizeof(sum));
	return gw_crm_same(given, strlen(given), want);
}

static bool is_signed(const struct gw_config_hook *hook,
		      const struct gw_crm_signed *s, const char *given)
{
	bool found = false;

	for (size_t i = 0; i < hook->secrets.count; i++) {
		uint8_t mac[GW_CRM_MAC_MAX];
		size_t len;
		const char *key = gw_secret_text(hook->secrets.list[i], &len);
		const size_t mac_len =
			key ? gw_crm_hmac(mac, true, key, len, s) : 0;

		found |= mac_len && gw_crm_fits_base64(mac, mac_len, given);
	}
	return found;
}

enum gw_crm_verdict gw_crm_check_twilio(struct gw_crm_identity *identity,
					const struct gw_config_hook *hook,
					const struct gw_crm_request *req)
{
	const char *given = gw_crm_header(req, "X-Twilio-Signature");
	const char *sum = req->query("bodySHA256", req->arg);
	const bool form = gw_crm_kind(req->content_type, req->body, req->len) ==
			  GW_CRM_FORM;
	struct gw_crm_signed s = { .count = 0 };
	enum gw_crm_verdict verdict;
	struct mbuf *fields = NULL;

	/* a body that nothing vouches for */
	if (!given || (!form && req->len && (!sum || !is_body(req, sum))))
		return GW_CRM_WRONG;
	gw_crm_signed_str(&s, req->url);
	if (form) {
		fields = gw_twilio_fields((const char *)req->body, req->len);
		if (!fields)
			return GW_CRM_WRONG;
		gw_crm_signed_add(&s, fields->buf, fields->end);
	}
	verdict = is_signed(hook, &s, given) ? gw_crm_known_by(identity, &s) :
					       GW_CRM_WRONG;
	mem_deref(fields);
	return verdict;
}
