/* What the profiles share: crm_profile.c has the table and those that show a secret,
 * crm_mac.c, crm_standard.c and crm_twilio.c those that sign. */
#ifndef BELLPULL_SERVER_CRM_PROFILE_IMPL_H
#define BELLPULL_SERVER_CRM_PROFILE_IMPL_H

#include "server/crm_profile.h"
#include "server/crm_sign.h"

const char *gw_crm_header(const struct gw_crm_request *req, const char *name);

/* Up to 15 digits and nothing else. */
bool gw_crm_number(const char *text, size_t len, int64_t *valuep);

/* GENUINE or STALE. */
enum gw_crm_verdict gw_crm_in_time(const struct gw_crm_request *req,
				   int64_t at_ms);

/* GENUINE or MEMORY. */
enum gw_crm_verdict gw_crm_known_by(struct gw_crm_identity *identity,
				    const struct gw_crm_signed *s);
enum gw_crm_verdict gw_crm_known_by_id(struct gw_crm_identity *identity,
				       const char *id);

/* Does the MAC fit what was given? */
typedef bool(gw_crm_fits_h)(const uint8_t *mac, size_t len, const void *arg);
gw_crm_fits_h gw_crm_fits_base64, gw_crm_fits_hex; /* arg: the text */

/* HMAC-SHA256 of s with each secret's bytes. */
bool gw_crm_any_mac(const struct gw_config_hook *hook,
		    const struct gw_crm_signed *s, gw_crm_fits_h *fits,
		    const void *arg);
bool gw_crm_any_secret(const struct gw_config_hook *hook, const char *given,
		       size_t len);

typedef enum gw_crm_verdict(gw_crm_check_h)(struct gw_crm_identity *identity,
					    const struct gw_config_hook *hook,
					    const struct gw_crm_request *req);
gw_crm_check_h gw_crm_check_hubspot, gw_crm_check_zendesk, gw_crm_check_github,
	gw_crm_check_stripe, gw_crm_check_twilio, gw_crm_check_standard;

/* "2026-11-27T19:00:00Z", perhaps with a fraction or an offset, as milliseconds. */
bool gw_crm_iso_time(const char *text, int64_t *msp);

#endif
