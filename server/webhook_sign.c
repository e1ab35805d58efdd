/* Signing with HMAC-SHA256 or Ed25519: see webhook_sign.h. */
#include "server/webhook_sign.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <re.h>

enum { SECRET_MAX = 256, SEED = 32, TAG_MAX = 64 };

static const char hmac_prefix[] = "whsec_";
static const char ed25519_prefix[] = "whsk_";
static const char public_prefix[] = "whpk_";

/* Base64 with its padding. The bytes go to buf. */
static int decode(uint8_t buf[SECRET_MAX], size_t *lenp, const char *text)
{
	const size_t len = strlen(text);
	int n;

	if (!len || len % 4 || len > SECRET_MAX)
		return EINVAL;
	n = EVP_DecodeBlock(buf, (const uint8_t *)text, (int)len);
	if (n < 0)
		return EINVAL;
	*lenp = (size_t)n - (text[len - 1] == '=') - (text[len - 2] == '=');
	return 0;
}

static int write_signature(struct mbuf *mb, const char *name,
			   const uint8_t *tag, size_t len)
{
	char text[4 * ((TAG_MAX + 2) / 3) + 1];

	(void)EVP_EncodeBlock((uint8_t *)text, tag, (int)len);
	return mbuf_printf(mb, "%s%s,%s", mb->end ? " " : "", name, text);
}

static int sign_hmac(struct mbuf *mb, const uint8_t *key, size_t key_len,
		     const struct mbuf *text)
{
	uint8_t tag[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (!HMAC(EVP_sha256(), key, (int)key_len, text->buf, text->end, tag,
		  &len))
		return ENOMEM;
	return write_signature(mb, "v1", tag, len);
}

static int sign_ed25519(struct mbuf *mb, const uint8_t *seed,
			const struct mbuf *text)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
						     seed, SEED);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t tag[TAG_MAX];
	size_t len = sizeof(tag);
	int err = ENOMEM;

	if (key && ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, tag, &len, text->buf, text->end) == 1)
		err = write_signature(mb, "v1a", tag, len);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return err;
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* The secret's bytes, and how they are used. */
static int read_secret(uint8_t buf[SECRET_MAX], size_t *lenp, bool *ed25519p,
		       const char *secret)
{
	int err = 0;

	*ed25519p = begins(secret, ed25519_prefix);
	if (*ed25519p) {
		/* the seed, alone or with the public key behind it */
		err = decode(buf, lenp, secret + strlen(ed25519_prefix));
		return err || (*lenp != SEED && *lenp != 2 * SEED) ? EINVAL : 0;
	}
	if (begins(secret, hmac_prefix))
		return decode(buf, lenp, secret + strlen(hmac_prefix));

	*lenp = strlen(secret);
	if (*lenp > SECRET_MAX)
		return EINVAL;
	memcpy(buf, secret, *lenp);
	return 0;
}

static int public_of(uint8_t bytes[SEED], const uint8_t *seed)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
						     seed, SEED);
	size_t len = SEED;
	const bool ok = key &&
			EVP_PKEY_get_raw_public_key(key, bytes, &len) == 1 &&
			len == SEED;

	EVP_PKEY_free(key);
	return ok ? 0 : ENOMEM;
}

int gw_webhook_public(char text[GW_WEBHOOK_PUBLIC_SIZE], const char *secret)
{
	uint8_t key[SECRET_MAX], bytes[SEED];
	bool ed25519;
	size_t len;
	int err = read_secret(key, &len, &ed25519, secret);

	if (!err && !ed25519)
		err = ENOENT;
	err = err ? err : public_of(bytes, key);
	if (!err && len == 2 * SEED && memcmp(bytes, key + SEED, SEED) != 0)
		err = EINVAL;
	explicit_bzero(key, sizeof(key));
	if (err)
		return err;
	memcpy(text, public_prefix, sizeof(public_prefix));
	(void)EVP_EncodeBlock((uint8_t *)text + sizeof(public_prefix) - 1,
			      bytes, SEED);
	return 0;
}

int gw_webhook_secret_check(const char *secret)
{
	char text[GW_WEBHOOK_PUBLIC_SIZE];
	const int err = gw_webhook_public(text, secret);

	return err == ENOENT ? 0 : err;
}

int gw_webhook_sign(struct mbuf *mb, const char *secret,
		    const struct gw_webhook_signed *what)
{
	struct mbuf *text = NULL;
	uint8_t key[SECRET_MAX];
	bool ed25519;
	size_t len;
	int err;

	err = read_secret(key, &len, &ed25519, secret);
	if (err)
		return err;

	text = mbuf_alloc(what->body_len + 128);
	err = text ? mbuf_printf(text, "%s.%lld.", what->id,
				 (long long)what->timestamp) :
		     ENOMEM;
	err = err ? err :
		    mbuf_write_mem(text, (const uint8_t *)what->body,
				   what->body_len);
	if (!err)
		err = ed25519 ? sign_ed25519(mb, key, text) :
				sign_hmac(mb, key, len, text);
	explicit_bzero(key, sizeof(key));
	mem_deref(text);
	return err;
}
