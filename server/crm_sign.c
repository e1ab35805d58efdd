/* See crm_sign.h. */
#include "server/crm_sign.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/core_names.h>
#include <openssl/sha.h>

void gw_crm_signed_add(struct gw_crm_signed *s, const void *data, size_t len)
{
	if (s->count < GW_CRM_PIECES_MAX)
		s->pieces[s->count++] = (struct gw_crm_piece){ data, len };
}

void gw_crm_signed_str(struct gw_crm_signed *s, const char *text)
{
	gw_crm_signed_add(s, text, strlen(text));
}

static size_t run_hmac(EVP_MAC_CTX *ctx, uint8_t mac[GW_CRM_MAC_MAX],
		       const void *key, size_t key_len,
		       const struct gw_crm_signed *s, char *digest)
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};
	size_t len = 0;

	if (!EVP_MAC_init(ctx, key, key_len, params))
		return 0;
	for (size_t i = 0; i < s->count; i++)
		if (!EVP_MAC_update(ctx, s->pieces[i].data, s->pieces[i].len))
			return 0;
	return EVP_MAC_final(ctx, mac, &len, GW_CRM_MAC_MAX) ? len : 0;
}

size_t gw_crm_hmac(uint8_t mac[GW_CRM_MAC_MAX], bool sha1, const void *key,
		   size_t key_len, const struct gw_crm_signed *s)
{
	char digest[8];
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	size_t len = 0;

	memcpy(digest, sha1 ? "SHA1" : "SHA256", sha1 ? 5 : 7);
	if (ctx)
		len = run_hmac(ctx, mac, key, key_len, s, digest);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(hmac);
	return len;
}

bool gw_crm_digest(char hex[GW_CRM_HEX_SIZE], const struct gw_crm_signed *s)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sum[SHA256_DIGEST_LENGTH];
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);

	for (size_t i = 0; ok && i < s->count; i++)
		ok = EVP_DigestUpdate(ctx, s->pieces[i].data, s->pieces[i].len);
	ok = ok && EVP_DigestFinal_ex(ctx, sum, NULL);
	EVP_MD_CTX_free(ctx);
	if (ok)
		gw_crm_hex(hex, sum, sizeof(sum));
	return ok;
}

void gw_crm_hex(char hex[GW_CRM_HEX_SIZE], const uint8_t *mac, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = digits[mac[i] >> 4];
		hex[2 * i + 1] = digits[mac[i] & 15];
	}
	hex[2 * len] = '\0';
}

void gw_crm_base64(char text[GW_CRM_BASE64_SIZE], const uint8_t *mac,
		   size_t len)
{
	(void)EVP_EncodeBlock((unsigned char *)text, mac, (int)len);
}

bool gw_crm_same(const char *given, size_t len, const char *want)
{
	return len == strlen(want) && !CRYPTO_memcmp(given, want, len);
}

bool gw_crm_is_secret(const char *given, size_t len, const char *secret,
		      size_t secret_len)
{
	uint8_t a[SHA256_DIGEST_LENGTH], b[SHA256_DIGEST_LENGTH];

	(void)SHA256((const uint8_t *)given, len, a);
	(void)SHA256((const uint8_t *)secret, secret_len, b);
	return !CRYPTO_memcmp(a, b, sizeof(a));
}
