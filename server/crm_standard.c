/* Standard Webhooks: over id, timestamp and body; "v1,base64" is HMAC-SHA256 by a
 * shared secret, "v1a,base64" Ed25519, of which the hook has the public key alone
 * (whpk_). What is public is never taken for a shared secret. */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <re.h>

#include "config/config.h"
#include "server/crm_profile_impl.h"

enum {
	KEY_LEN = 32,
	SIGNATURE_LEN = 64,
	SIGNATURE_TEXT = 88, /* of it in base64 */
	SIGNATURES_MAX = 8,  /* that are tried: each costs more than a MAC */
};

static const char public_prefix[] = "whpk_";

static bool is_public(const char *text)
{
	return !strncmp(text, public_prefix, sizeof(public_prefix) - 1);
}

/* v1: shared secrets ------------------------------------------------------------ */

static bool fits_standard(const uint8_t *mac, size_t len, const void *arg)
{
	const char *p = arg;
	char want[GW_CRM_BASE64_SIZE];
	bool found = false;

	gw_crm_base64(want, mac, len);
	while (*p) {
		const size_t n = strcspn(p, " ");

		if (n > 3 && !strncmp(p, "v1,", 3))
			found |= gw_crm_same(p + 3, n - 3, want);
		p += n + (p[n] == ' ');
	}
	return found;
}

/* The secret is base64, with or without whsec_ in front; one that isn't is itself. */
static bool standard_mac(const struct gw_secret *secret,
			 const struct gw_crm_signed *s, const char *given)
{
	uint8_t key[512], mac[GW_CRM_MAC_MAX];
	size_t len, key_len = sizeof(key), mac_len;
	const char *text = gw_secret_text(secret, &len);

	if (!text || is_public(text))
		return false;
	if (len > 6 && !strncmp(text, "whsec_", 6)) {
		text += 6;
		len -= 6;
	}
	if (len % 4 || len > 680 || base64_decode(text, len, key, &key_len) ||
	    !key_len)
		mac_len = gw_crm_hmac(mac, false, text, len, s);
	else
		mac_len = gw_crm_hmac(mac, false, key, key_len, s);
	OPENSSL_cleanse(key, sizeof(key));
	return mac_len && fits_standard(mac, mac_len, given);
}

/* v1a: public keys ------------------------------------------------------------------ */

/* The bytes of "whpk_" and base64. */
static bool read_public(uint8_t key[KEY_LEN], const char *text, size_t len)
{
	uint8_t bytes[KEY_LEN + 4];
	size_t n = sizeof(bytes);

	text += sizeof(public_prefix) - 1;
	len -= sizeof(public_prefix) - 1;
	if (len != 44 || base64_decode(text, len, bytes, &n) || n != KEY_LEN)
		return false;
	memcpy(key, bytes, KEY_LEN);
	return true;
}

bool gw_crm_standard_key_ok(const char *text)
{
	const size_t len = strlen(text);
	uint8_t key[KEY_LEN];

	return !is_public(text) || read_public(key, text, len);
}

/* All of it in one piece: Ed25519 wants that. NULL: no memory. */
static struct mbuf *join(const struct gw_crm_signed *s)
{
	struct mbuf *mb = mbuf_alloc(512);
	int err = mb ? 0 : ENOMEM;

	for (size_t i = 0; !err && i < s->count; i++)
		err = mbuf_write_mem(mb, s->pieces[i].data, s->pieces[i].len);
	return err ? mem_deref(mb) : mb;
}

static bool verifies(EVP_PKEY *key, const char *given, size_t len,
		     const struct mbuf *text)
{
	uint8_t tag[SIGNATURE_LEN + 4];
	size_t n = sizeof(tag);
	EVP_MD_CTX *ctx;
	bool fits;

	if (len != SIGNATURE_TEXT || base64_decode(given, len, tag, &n) ||
	    n != SIGNATURE_LEN)
		return false;
	ctx = EVP_MD_CTX_new();
	fits = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, tag, n, text->buf, text->end) == 1;
	EVP_MD_CTX_free(ctx);
	return fits;
}

static bool fits_public(const char *text, size_t len,
			const struct mbuf *signed_text, const char *given)
{
	uint8_t bytes[KEY_LEN];
	EVP_PKEY *key = NULL;
	const char *p = given;
	unsigned tried = 0;
	bool found = false;

	if (read_public(bytes, text, len))
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes,
						  KEY_LEN);
	while (key && *p && !found && tried < SIGNATURES_MAX) {
		const size_t n = strcspn(p, " ");

		if (n > 4 && !strncmp(p, "v1a,", 4)) {
			found = verifies(key, p + 4, n - 4, signed_text);
			tried++;
		}
		p += n + (p[n] == ' ');
	}
	EVP_PKEY_free(key);
	return found;
}

static bool standard_public(const struct gw_secret *secret,
			    const struct gw_crm_signed *s, const char *given)
{
	size_t len;
	const char *text = gw_secret_text(secret, &len);
	struct mbuf *mb;
	bool fits;

	if (!text || !is_public(text))
		return false;
	mb = join(s);
	fits = mb && fits_public(text, len, mb, given);
	mem_deref(mb);
	return fits;
}

/* Both -------------------------------------------------------------------------------- */

enum gw_crm_verdict gw_crm_check_standard(struct gw_crm_identity *identity,
					  const struct gw_config_hook *hook,
					  const struct gw_crm_request *req)
{
	const char *id = gw_crm_header(req, "webhook-id");
	const char *time = gw_crm_header(req, "webhook-timestamp");
	const char *given = gw_crm_header(req, "webhook-signature");
	struct gw_crm_signed s = { .count = 0 };
	enum gw_crm_verdict verdict;
	bool found = false;
	int64_t at_s;

	if (!id || !*id || !given || !time ||
	    !gw_crm_number(time, strlen(time), &at_s))
		return GW_CRM_WRONG;
	gw_crm_signed_str(&s, id);
	gw_crm_signed_str(&s, ".");
	gw_crm_signed_str(&s, time);
	gw_crm_signed_str(&s, ".");
	gw_crm_signed_add(&s, req->body, req->len);
	for (size_t i = 0; i < hook->secrets.count; i++) {
		found |= standard_mac(hook->secrets.list[i], &s, given);
		found |= standard_public(hook->secrets.list[i], &s, given);
	}
	verdict = found ? gw_crm_in_time(req, at_s * 1000) : GW_CRM_WRONG;
	return verdict ? verdict : gw_crm_known_by_id(identity, id);
}
