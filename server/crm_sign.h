/* What signatures are made of, for crm_profile.c: pieces that are hashed one after
 * the other, and comparisons that take the same time whatever they find. */
#ifndef BELLPULL_SERVER_CRM_SIGN_H
#define BELLPULL_SERVER_CRM_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_secret;

enum {
	GW_CRM_PIECES_MAX = 8,
	GW_CRM_MAC_MAX = 32,
	GW_CRM_HEX_SIZE = 2 * GW_CRM_MAC_MAX + 1,
	GW_CRM_BASE64_SIZE = 48,
};

/* The text that is signed, in pieces. Borrowed. */
struct gw_crm_signed {
	struct gw_crm_piece {
		const void *data;
		size_t len;
	} pieces[GW_CRM_PIECES_MAX];
	size_t count;
};
void gw_crm_signed_add(struct gw_crm_signed *s, const void *data, size_t len);
void gw_crm_signed_str(struct gw_crm_signed *s, const char *text);

/* HMAC-SHA256, with sha1 HMAC-SHA1; 0: it could not be made. */
size_t gw_crm_hmac(uint8_t mac[GW_CRM_MAC_MAX], bool sha1, const void *key,
		   size_t key_len, const struct gw_crm_signed *s);

/* SHA-256 of all of it, in hex. False: no memory. */
bool gw_crm_digest(char hex[GW_CRM_HEX_SIZE], const struct gw_crm_signed *s);

void gw_crm_hex(char hex[GW_CRM_HEX_SIZE], const uint8_t *mac, size_t len);
void gw_crm_base64(char text[GW_CRM_BASE64_SIZE], const uint8_t *mac,
		   size_t len);

/* Whether given[len] is want. Its length is no secret. */
bool gw_crm_same(const char *given, size_t len, const char *want);

/* Whether given[len] is the secret; neither length is told by the time taken. */
bool gw_crm_is_secret(const char *given, size_t len, const char *secret,
		      size_t secret_len);

#endif
