/* See click.h. The order in which a token is looked at: its size, three parts of
 * base64url, a header that names a key of ours and that key's algorithm, the
 * signature over the bytes as they came, and only then what it claims. */
#include "server/click.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <re.h>

#include "config/json.h"
#include "server/keyring.h"
#include "server/writer.h"

enum {
	SKEW_S = 60, /* between the site's clock and ours */
	JTI_BYTES = 16,
	TO_MAX = 256,
	ORIGIN_MAX = 255,
	CALL_S_MAX = 86400,
	MAC = 32,
};

#define OURS  "gateway:"
#define TYPE  "c2c-widget+jwt"
#define AUD   "bellpull"
#define HS256 "HS256"
#define EDDSA "EdDSA"

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* base64url, RFC 4648 5, without padding ------------------------------------ */

static int value_of(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Strict: no other characters, no bits left over. *bytesp is mem_deref'd. */
static int decode(uint8_t **bytesp, size_t *lenp, const struct pl *in)
{
	uint8_t *out = mem_alloc(in->l * 3 / 4 + 1, NULL);
	uint32_t bits = 0;
	size_t have = 0, n = 0;

	if (!out)
		return ENOMEM;
	for (size_t i = 0; i < in->l; i++) {
		const int v = value_of(in->p[i]);

		if (v < 0) {
			mem_deref(out);
			return EACCES;
		}
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	if (have >= 6 || bits) {
		mem_deref(out);
		return EACCES;
	}
	out[n] = '\0';
	*bytesp = out;
	*lenp = n;
	return 0;
}

static int encode(struct mbuf *mb, const uint8_t *bytes, size_t len)
{
	uint32_t bits = 0;
	size_t have = 0;
	int err = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | bytes[i];
		for (have += 8; have >= 6; have -= 6)
			err |= mbuf_write_u8(
				mb, (uint8_t)digits[bits >> (have - 6) & 63]);
	}
	if (have)
		err |= mbuf_write_u8(mb,
				     (uint8_t)digits[bits << (6 - have) & 63]);
	return err ? ENOMEM : 0;
}

/* Signatures ---------------------------------------------------------------- */

static bool sign_hs256(uint8_t mac[MAC], const void *secret, size_t secret_len,
		       const char *text, size_t len)
{
	unsigned n = MAC;

	return HMAC(EVP_sha256(), secret, (int)secret_len,
		    (const uint8_t *)text, len, mac, &n) &&
	       n == MAC;
}

static bool verify_hs256(const void *secret, size_t secret_len,
			 const struct pl *text, const uint8_t *sig,
			 size_t sig_len)
{
	uint8_t mac[MAC];
	bool ok;

	ok = sig_len == MAC &&
	     sign_hs256(mac, secret, secret_len, text->p, text->l) &&
	     !CRYPTO_memcmp(mac, sig, MAC);
	OPENSSL_cleanse(mac, sizeof(mac));
	return ok;
}

static bool verify_eddsa(const char *pem, size_t pem_len, const struct pl *text,
			 const uint8_t *sig, size_t sig_len)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)pem_len);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) :
			       NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = pkey && ctx && EVP_PKEY_base_id(pkey) == EVP_PKEY_ED25519 &&
	     EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	     EVP_DigestVerify(ctx, sig, sig_len, (const uint8_t *)text->p,
			      text->l) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return ok;
}

/* What signs those of ours: our secret and the key's hash. Another key of the same
 * name, as there is one after a leak, doesn't stand for what the old one made. */
static bool own_secret(uint8_t own[MAC], const uint8_t secret[GW_CLICK_SECRET],
		       const struct gw_key *key)
{
	return sign_hs256(own, secret, GW_CLICK_SECRET, (const char *)key->hash,
			  sizeof(key->hash));
}

static bool verify_ours(const uint8_t secret[GW_CLICK_SECRET],
			const struct gw_key *key, const struct pl *text,
			const uint8_t *sig, size_t sig_len)
{
	uint8_t own[MAC];
	const bool ok = own_secret(own, secret, key) &&
			verify_hs256(own, sizeof(own), text, sig, sig_len);

	OPENSSL_cleanse(own, sizeof(own));
	return ok;
}

/* The parts ------------------------------------------------------------------ */

/* A token taken apart. Everything in it is freed by close_parts(). */
struct parts {
	struct pl signed_text; /* header '.' payload */
	struct gw_json_doc *header, *payload;
	uint8_t *sig;
	size_t sig_len;
};

static void close_parts(struct parts *p)
{
	mem_deref(p->header);
	mem_deref(p->payload);
	mem_deref(p->sig);
}

static int read_json(struct gw_json_doc **docp, const struct pl *part)
{
	uint8_t *bytes;
	size_t len;
	int err;

	err = decode(&bytes, &len, part);
	if (err)
		return err;
	err = gw_json_parse(docp, (const char *)bytes, len, GW_JSON_API, NULL);
	mem_deref(bytes);
	if (!err && gw_json_type(gw_json_root(*docp)) != GW_JSON_OBJECT)
		err = EACCES;
	return err == EBADMSG ? EACCES : err;
}

static int open_parts(struct parts *p, const char *text, size_t len)
{
	struct pl header = { text, 0 }, payload, sig;
	const char *dot;
	int err;

	dot = memchr(text, '.', len);
	if (!dot || len > GW_CLICK_SIZE_MAX)
		return EACCES;
	header.l = (size_t)(dot - text);
	payload.p = dot + 1;
	dot = memchr(payload.p, '.', len - header.l - 1);
	if (!dot)
		return EACCES;
	payload.l = (size_t)(dot - payload.p);
	sig.p = dot + 1;
	sig.l = len - header.l - payload.l - 2;
	p->signed_text.p = text;
	p->signed_text.l = header.l + 1 + payload.l;

	err = read_json(&p->header, &header);
	err = err ? err : read_json(&p->payload, &payload);
	return err ? err : decode(&p->sig, &p->sig_len, &sig);
}

bool gw_click_looks_like(const char *text, size_t len)
{
	const char *dot = memchr(text, '.', len);

	return dot && memchr(dot + 1, '.', len - (size_t)(dot - text) - 1);
}

/* Who signed ---------------------------------------------------------------- */

static const char *string_of(const struct gw_json *object, const char *name)
{
	return gw_json_string(gw_json_get(object, name));
}

static bool is(const char *text, const char *word)
{
	return text && !strcmp(text, word);
}

/* The key of ours that the header names; NULL: none whose signature is right. */
static const struct gw_key *signer(const struct parts *p,
				   const struct gw_keyring *ring,
				   const uint8_t secret[GW_CLICK_SECRET],
				   int64_t now_s)
{
	const struct gw_json *h = gw_json_root(p->header);
	const char *kid = string_of(h, "kid"), *alg = string_of(h, "alg");
	const bool ours = kid && !strncmp(kid, OURS, strlen(OURS));
	const struct gw_key *key;
	const char *text;
	size_t len;

	if (!kid || !is(string_of(h, "typ"), TYPE) || gw_json_get(h, "crit"))
		return NULL;
	key = gw_keyring_by_name(ring, ours ? kid + strlen(OURS) : kid);
	if (!key || gw_key_is_over(key, now_s * 1000))
		return NULL;
	if (ours)
		return is(alg, HS256) &&
				       verify_ours(secret, key, &p->signed_text,
						   p->sig, p->sig_len) ?
			       key :
			       NULL;
	text = gw_secret_text(key->token_public_key, &len);
	if (text)
		return is(alg, EDDSA) &&
				       verify_eddsa(text, len, &p->signed_text,
						    p->sig, p->sig_len) ?
			       key :
			       NULL;
	text = gw_secret_text(key->token_secret, &len);
	return text && is(alg, HS256) &&
			       verify_hs256(text, len, &p->signed_text, p->sig,
					    p->sig_len) ?
		       key :
		       NULL;
}

/* What it claims ------------------------------------------------------------ */

/* A whole number that may be missing: then it stays as it is. */
static bool optional(int64_t *vp, const struct gw_json *claims,
		     const char *name, int64_t min, int64_t max)
{
	const struct gw_json *v = gw_json_get(claims, name);

	return !v || !gw_json_int(vp, v, min, max);
}

static const char *check_times(struct gw_click *click,
			       const struct gw_json *claims, int64_t now_s)
{
	int64_t iat, exp, nbf = 0;

	if (gw_json_int(&iat, gw_json_get(claims, "iat"), 0, GW_JSON_INT_MAX) ||
	    gw_json_int(&exp, gw_json_get(claims, "exp"), 0, GW_JSON_INT_MAX) ||
	    !optional(&nbf, claims, "nbf", 0, GW_JSON_INT_MAX))
		return "this token has no iat or no exp";
	if (exp <= iat || exp - iat > GW_CLICK_LIFE_MAX_S)
		return "a token lives 300 seconds at most";
	if (iat > now_s + SKEW_S || nbf > now_s + SKEW_S)
		return "this token is not valid yet; is the clock of its maker "
		       "right?";
	if (now_s >= exp + GW_CLICK_AFTERLIFE_S)
		return "this token has expired";
	click->expires_at = exp;
	click->spent = now_s >= exp;
	return NULL;
}

static bool is_visible(const char *text, size_t max)
{
	const size_t len = text ? strlen(text) : 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	return len && len <= max;
}

static const char *check_claims(struct gw_click *click,
				const struct gw_key *key,
				const struct gw_json *claims, int *errp)
{
	const char *dst = string_of(claims, "dst");
	const char *org = string_of(claims, "org");
	const char *jti = string_of(claims, "jti");
	int64_t n = 1, max_s = 0;

	if (!is(string_of(claims, "iss"), key->name) ||
	    !is(string_of(claims, "aud"), AUD))
		return "this token is for somebody else";
	if (!is_visible(jti, GW_CLICK_JTI_MAX) || !is_visible(dst, TO_MAX) ||
	    !is_visible(org, ORIGIN_MAX))
		return "this token lacks one of jti, dst, org";
	if (!optional(&n, claims, "n", 1, GW_CLICK_USES_MAX) ||
	    !optional(&max_s, claims, "max_s", 1, CALL_S_MAX))
		return "n or max_s of this token is out of range";
	click->uses = (uint32_t)n;
	click->max_s = (uint32_t)max_s;
	(void)snprintf(click->id, sizeof(click->id), "%s/%s", key->name, jti);
	*errp = str_dup(&click->to, dst);
	*errp = *errp ? *errp : str_dup(&click->origin, org);
	return NULL;
}

int gw_click_read(struct gw_key **keyp, const char *text, size_t len,
		  const struct gw_keyring *ring,
		  const uint8_t secret[GW_CLICK_SECRET], int64_t now_s,
		  const char **whyp)
{
	struct parts p = { .header = NULL };
	struct gw_click *click = NULL;
	const struct gw_key *key;
	int err;

	*whyp = "this click token is not valid";
	err = open_parts(&p, text, len);
	if (err)
		goto out;
	key = signer(&p, ring, secret, now_s);
	if (!key) {
		err = EACCES;
		goto out;
	}
	click = gw_click_alloc();
	if (!click) {
		err = ENOMEM;
		goto out;
	}
	*whyp = check_times(click, gw_json_root(p.payload), now_s);
	if (!*whyp)
		*whyp = check_claims(click, key, gw_json_root(p.payload), &err);
	if (*whyp)
		err = EACCES;
	if (!err) {
		err = gw_key_of_click(keyp, key, click);
		click = NULL;
	}
out:
	mem_deref(click);
	close_parts(&p);
	return err;
}

/* Making one ------------------------------------------------------------------ */

static int add_json(struct mbuf *mb, struct mbuf *json)
{
	return encode(mb, json->buf, json->end);
}

static int header_of(struct mbuf *json, const char *key)
{
	char kid[80];
	struct gw_writer w;

	(void)snprintf(kid, sizeof(kid), OURS "%s", key);
	gw_writer_init(&w, json);
	gw_write_open(&w, NULL, '{');
	gw_write_string(&w, "alg", HS256);
	gw_write_string(&w, "typ", TYPE);
	gw_write_string(&w, "kid", kid);
	gw_write_close(&w, '}');
	return w.err;
}

static int payload_of(struct mbuf *json, const struct gw_click_order *o,
		      const char *jti, int64_t now_s)
{
	struct gw_writer w;

	gw_writer_init(&w, json);
	gw_write_open(&w, NULL, '{');
	gw_write_string(&w, "iss", o->key->name);
	gw_write_string(&w, "aud", AUD);
	gw_write_int(&w, "iat", now_s);
	gw_write_int(&w, "exp", now_s + o->expires_in_s);
	gw_write_string(&w, "jti", jti);
	gw_write_string(&w, "dst", o->to);
	gw_write_string(&w, "org", o->origin);
	gw_write_int(&w, "n", o->uses);
	if (o->max_s)
		gw_write_int(&w, "max_s", o->max_s);
	gw_write_close(&w, '}');
	return w.err;
}

int gw_click_make(char **textp, const struct gw_click_order *o,
		  const uint8_t secret[GW_CLICK_SECRET], int64_t now_s)
{
	struct mbuf *json = mbuf_alloc(512), *mb = mbuf_alloc(1024);
	uint8_t random[JTI_BYTES], mac[MAC], own[MAC];
	char jti[2 * JTI_BYTES + 1];
	int err = json && mb ? 0 : ENOMEM;

	if (!err && RAND_bytes(random, sizeof(random)) != 1)
		err = EIO;
	if (err)
		goto out;
	(void)re_snprintf(jti, sizeof(jti), "%w", random, sizeof(random));
	err = header_of(json, o->key->name);
	err = err ? err : add_json(mb, json);
	err = err ? err : mbuf_write_u8(mb, '.');
	mbuf_rewind(json);
	err = err ? err : payload_of(json, o, jti, now_s);
	err = err ? err : add_json(mb, json);
	if (err)
		goto out;
	if (!own_secret(own, secret, o->key) ||
	    !sign_hs256(mac, own, sizeof(own), (const char *)mb->buf,
			mb->end)) {
		err = EIO;
		goto out;
	}
	err = mbuf_write_u8(mb, '.');
	err = err ? err : encode(mb, mac, sizeof(mac));
	mb->pos = 0;
	err = err ? err : mbuf_strdup(mb, textp, mb->end);
out:
	OPENSSL_cleanse(own, sizeof(own));
	OPENSSL_cleanse(mac, sizeof(mac));
	mem_deref(json);
	mem_deref(mb);
	return err;
}
