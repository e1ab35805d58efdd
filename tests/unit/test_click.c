/* E4: click tokens, as ours, as a site's server signs them, and as somebody would
 * like them to be. */
#include <errno.h>
#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "config/config.h"
#include "server/click.h"
#include "server/keyring.h"
#include "tests/test.h"
#include "tests/unit/config_try.h"

enum { NOW_S = 1800000000 };

#define SITE_SECRET "the-secret-of-a-site-that-signs-itself"
#define HEADER      "{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\"}"
#define TIMES       "\"iat\":1800000000,\"exp\":1800000060,"
#define WHO         "\"iss\":\"site\",\"aud\":\"bellpull\","
#define WHAT        "\"jti\":\"a1\",\"dst\":\"853\",\"org\":\"https://shop.example\""
#define CLAIMS      "{" WHO TIMES WHAT "}"

static const uint8_t ours[GW_CLICK_SECRET] = { 7, 7, 7 };

/* Ed25519 of the site "signer": the key to sign with, and its PEM. */
struct world {
	struct gw_keyring *ring;
	EVP_PKEY *pkey;
	char pem[256];
};

static void world_destructor(void *arg)
{
	struct world *w = arg;

	mem_deref(w->ring);
	EVP_PKEY_free(w->pkey);
}

static int draw_key(struct world *w)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (ctx && bio && EVP_PKEY_keygen_init(ctx) == 1 &&
	    EVP_PKEY_keygen(ctx, &w->pkey) == 1 &&
	    PEM_write_bio_PUBKEY(bio, w->pkey) == 1)
		n = BIO_read(bio, w->pem, sizeof(w->pem) - 1);
	EVP_PKEY_CTX_free(ctx);
	BIO_free(bio);
	return n > 0 ? 0 : EIO;
}

static struct world *world_new(void)
{
	static struct gw_config_errors errs;
	struct world *w = mem_zalloc(sizeof(*w), world_destructor);
	static const char text[] =
		"{\"allow_inline\":true,\"keys\":["
		"{\"name\":\"plain\",\"secret\":\"secret-of-plain-1234\"},"
		"{\"name\":\"site\",\"secret\":\"secret-of-site-12345\","
		"\"project\":\"shop\",\"caller_ids\":[\"+4930111\"],"
		"\"token_secret\":\"" SITE_SECRET "\"},"
		"{\"name\":\"signer\",\"secret\":\"secret-of-signer-123\","
		"\"token_public_key\":\"env:CLICK_PEM\"}]}";
	struct gw_config *cfg = NULL;
	int err = w ? draw_key(w) : ENOMEM;

	if (!err)
		config_try_set("CLICK_PEM", w->pem);
	err = err ? err : gw_config_parse(&cfg, text, sizeof(text) - 1, &errs);
	err = err ? err : gw_keyring_alloc(&w->ring, cfg);
	mem_deref(cfg);
	return err ? mem_deref(w) : w;
}

/* base64url by OpenSSL's base64: another hand than the one that reads. */
static void put_base64url(char *out, const void *bytes, size_t len)
{
	EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
	for (; *out; out++)
		*out = (char)(*out == '+' ? '-' : *out == '/' ? '_' : *out);
	while (out[-1] == '=')
		*--out = '\0';
}

enum { TOKEN_SIZE = 8192 };

static void put_signed_text(char token[TOKEN_SIZE], const char *header,
			    const char *claims)
{
	put_base64url(token, header, strlen(header));
	strcat(token, ".");
	put_base64url(token + strlen(token), claims, strlen(claims));
}

static void put_signature(char token[TOKEN_SIZE], const void *sig, size_t len)
{
	strcat(token, ".");
	if (len)
		put_base64url(token + strlen(token), sig, len);
}

static void sign_hmac(char token[TOKEN_SIZE], const EVP_MD *md,
		      const char *header, const char *claims,
		      const void *secret, size_t secret_len)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	put_signed_text(token, header, claims);
	(void)HMAC(md, secret, (int)secret_len, (const uint8_t *)token,
		   strlen(token), mac, &len);
	put_signature(token, mac, len);
}

static int sign_eddsa(char token[TOKEN_SIZE], struct world *w,
		      const char *header, const char *claims)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[64];
	size_t len = sizeof(sig);
	bool ok;

	put_signed_text(token, header, claims);
	ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, w->pkey) == 1 &&
	     EVP_DigestSign(ctx, sig, &len, (const uint8_t *)token,
			    strlen(token)) == 1;
	EVP_MD_CTX_free(ctx);
	put_signature(token, sig, len);
	return ok ? 0 : EIO;
}

static const char *by_site(const char *header, const char *claims)
{
	static char token[TOKEN_SIZE];

	sign_hmac(token, EVP_sha256(), header, claims, SITE_SECRET,
		  strlen(SITE_SECRET));
	return token;
}

static const char *last_why;

static int read_at(struct gw_key **keyp, struct world *w, const char *token,
		   int64_t now_s)
{
	last_why = NULL;
	return gw_click_read(keyp, token, strlen(token), w->ring, ours, now_s,
			     &last_why);
}

static int read_now(struct world *w, const char *token)
{
	struct gw_key *key = NULL;
	const int err = read_at(&key, w, token, NOW_S);

	mem_deref(key);
	return err;
}

static const struct gw_click_order order = { .to = "853",
					     .origin = "https://shop.example",
					     .expires_in_s = 60,
					     .uses = 3,
					     .max_s = 90 };

/* One of ours, by the key of that name. */
static int make(char **tokenp, const struct world *w, const char *name)
{
	struct gw_click_order o = order;

	o.key = gw_keyring_by_name(w->ring, name);
	return o.key ? gw_click_make(tokenp, &o, ours, NOW_S) : ENOENT;
}

static int test_click_of_ours_says_what_was_asked(void)
{
	OWNED struct world *w = world_new();
	OWNED struct gw_key *key = NULL;
	OWNED char *token = NULL, *other = NULL;

	CHECK(w);
	CHECK_OK(make(&token, w, "plain"));
	CHECK_OK(make(&other, w, "plain"));
	CHECK(strcmp(token, other) != 0);
	CHECK(gw_click_looks_like(token, strlen(token)));
	CHECK_OK(read_at(&key, w, token, NOW_S));
	CHECK_STR(key->name, "plain");
	CHECK_STR(key->project, "default");
	CHECK_STR(key->click->to, "853");
	CHECK_STR(key->click->origin, "https://shop.example");
	CHECK_INT(key->click->uses, 3);
	CHECK_INT(key->click->max_s, 90);
	CHECK_INT(key->click->expires_at, NOW_S + 60);
	CHECK(!key->click->spent);
	CHECK(!strncmp(key->click->id, "plain/", 6));
	CHECK_INT(strlen(key->click->id), 6 + 32);
	CHECK(key->parent && !key->parent->click);
	CHECK(key->state == key->parent->state);
	CHECK(gw_key_may(key, "calls:create"));
	CHECK(!gw_key_may(key, "lines:read"));
	CHECK(!gw_key_may(key, "admin"));
	return 0;
}
TEST(test_click_of_ours_says_what_was_asked);

static int test_click_looks_like_three_parts(void)
{
	CHECK(gw_click_looks_like("..", 2));
	CHECK(gw_click_looks_like("a.b.c", 5));
	CHECK(!gw_click_looks_like("a.b", 3));
	CHECK(!gw_click_looks_like("a.b.c", 3));
	CHECK(!gw_click_looks_like("bp_crm_0123", 11));
	CHECK(!gw_click_looks_like("", 0));
	return 0;
}
TEST(test_click_looks_like_three_parts);

static int test_click_of_a_site_is_read(void)
{
	static const char more[] =
		"{" WHO TIMES WHAT
		",\"n\":100,\"max_s\":86400,\"nbf\":1800000000,\"x\":[{}]}";
	OWNED struct world *w = world_new();
	OWNED struct gw_key *key = NULL, *full = NULL;

	CHECK(w);
	CHECK_OK(read_at(&key, w, by_site(HEADER, CLAIMS), NOW_S));
	CHECK_STR(key->click->id, "site/a1");
	CHECK_STR(key->project, "shop");
	CHECK_INT(key->caller_ids.count, 1);
	CHECK_INT(key->click->uses, 1);
	CHECK_INT(key->click->max_s, 0);
	CHECK_OK(read_at(&full, w, by_site(HEADER, more), NOW_S));
	CHECK_INT(full->click->uses, 100);
	CHECK_INT(full->click->max_s, 86400);
	return 0;
}
TEST(test_click_of_a_site_is_read);

static int test_click_by_eddsa_is_read(void)
{
	static const char header[] =
		"{\"alg\":\"EdDSA\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"signer\"}";
	static const char claims[] =
		"{\"iss\":\"signer\",\"aud\":\"bellpull\"," TIMES WHAT "}";
	static char token[TOKEN_SIZE];
	OWNED struct world *w = world_new();

	CHECK(w);
	CHECK_OK(sign_eddsa(token, w, header, claims));
	CHECK_OK(read_now(w, token));
	token[strlen(token) - 4] ^= 1;
	CHECK_INT(read_now(w, token), EACCES);

	/* a header that doesn't agree, though the signature is right */
	CHECK_OK(sign_eddsa(
		token, w,
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"signer\"}",
		claims));
	CHECK_INT(read_now(w, token), EACCES);
	CHECK_OK(sign_eddsa(
		token, w,
		"{\"alg\":\"none\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"signer\"}",
		claims));
	CHECK_INT(read_now(w, token), EACCES);

	/* RFC 8725 2.1: the public key is no secret of HS256 */
	sign_hmac(
		token, EVP_sha256(),
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"signer\"}",
		claims, w->pem, strlen(w->pem));
	CHECK_INT(read_now(w, token), EACCES);
	sign_hmac(token, EVP_sha256(), header, claims, w->pem, strlen(w->pem));
	CHECK_INT(read_now(w, token), EACCES);
	return 0;
}
TEST(test_click_by_eddsa_is_read);

/* Each is signed with the secret it would need: only the header is wrong. */
static int test_click_headers_that_are_refused(void)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\"}",
		"{\"alg\":\"HS512\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\"}",
		"{\"alg\":\"hs256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\"}",
		"{\"alg\":[\"HS256\"],\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\"}",
		"{\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"site\"}",
		"{\"alg\":\"HS256\",\"kid\":\"site\"}",
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\"}",
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":7}",
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"nobody\"}",
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"plain\"}",
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"signer\"}",
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"gateway:site\"}",
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"gateway:\"}",
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\",\"crit\":[\"x\"]}",
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\",\"crit\":null}",
		"{\"alg\":\"HS256\",\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\"}",
		"[\"HS256\"]",
		"\"HS256\"",
		"{\"alg\":\"HS256\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\"} x",
		"{",
	};
	OWNED struct world *w = world_new();

	CHECK(w);
	CHECK_OK(read_now(w, by_site(HEADER, CLAIMS)));
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		CHECK_INT(read_now(w, by_site(headers[i], CLAIMS)), EACCES);
		CHECK(last_why && *last_why);
	}
	return 0;
}
TEST(test_click_headers_that_are_refused);

/* alg=none as it is in the wild, and HS512 that is right. */
static int test_click_signatures_that_are_refused(void)
{
	static const char none[] =
		"{\"alg\":\"none\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\"}";
	static const char hs512[] =
		"{\"alg\":\"HS512\",\"typ\":\"c2c-widget+jwt\",\"kid\":\"site\"}";
	static char token[TOKEN_SIZE];
	OWNED struct world *w = world_new();

	CHECK(w);
	put_signed_text(token, none, CLAIMS);
	CHECK_INT(read_now(w, token), EACCES);
	put_signature(token, NULL, 0);
	CHECK_INT(read_now(w, token), EACCES);
	put_signed_text(token, HEADER, CLAIMS);
	put_signature(token, NULL, 0);
	CHECK_INT(read_now(w, token), EACCES);
	sign_hmac(token, EVP_sha512(), hs512, CLAIMS, SITE_SECRET,
		  strlen(SITE_SECRET));
	CHECK_INT(read_now(w, token), EACCES);
	sign_hmac(token, EVP_sha512(), HEADER, CLAIMS, SITE_SECRET,
		  strlen(SITE_SECRET));
	CHECK_INT(read_now(w, token), EACCES);
	sign_hmac(token, EVP_sha256(), HEADER, CLAIMS, "", 0);
	CHECK_INT(read_now(w, token), EACCES);
	sign_hmac(token, EVP_sha256(), HEADER, CLAIMS, ours, sizeof(ours));
	CHECK_INT(read_now(w, token), EACCES);
	return 0;
}
TEST(test_click_signatures_that_are_refused);

static int test_click_claims_that_are_refused(void)
{
	static const char *const claims[] = {
		"{" WHO WHAT "}",
		"{" WHO "\"iat\":1800000000," WHAT "}",
		"{" WHO "\"exp\":1800000060," WHAT "}",
		"{" WHO "\"iat\":1800000000,\"exp\":1800000301," WHAT "}",
		"{" WHO "\"iat\":1800000000,\"exp\":1800000000," WHAT "}",
		"{" WHO "\"iat\":1800000061,\"exp\":1800000100," WHAT "}",
		"{" WHO "\"iat\":1800000000,\"exp\":1800000060.5," WHAT "}",
		"{" WHO "\"iat\":\"1800000000\",\"exp\":\"1800000060\"," WHAT
		"}",
		"{" WHO "\"iat\":-1,\"exp\":60," WHAT "}",
		"{" WHO "\"iat\":1e300,\"exp\":1e301," WHAT "}",
		"{" WHO TIMES "\"nbf\":1800000061," WHAT "}",
		"{" WHO TIMES "\"nbf\":\"now\"," WHAT "}",
		"{\"iss\":\"plain\",\"aud\":\"bellpull\"," TIMES WHAT "}",
		"{\"aud\":\"bellpull\"," TIMES WHAT "}",
		"{\"iss\":\"site\"," TIMES WHAT "}",
		"{\"iss\":\"site\",\"aud\":\"other\"," TIMES WHAT "}",
		"{\"iss\":\"site\",\"aud\":[\"bellpull\"]," TIMES WHAT "}",
		"{" WHO TIMES "\"dst\":\"853\",\"org\":\"https://a.example\"}",
		"{" WHO TIMES "\"jti\":\"a\",\"org\":\"https://a.example\"}",
		"{" WHO TIMES "\"jti\":\"a\",\"dst\":\"853\"}",
		"{" WHO TIMES "\"jti\":\"\",\"dst\":\"853\",\"org\":\"x\"}",
		"{" WHO TIMES "\"jti\":\"a b\",\"dst\":\"853\",\"org\":\"x\"}",
		"{" WHO TIMES
		"\"jti\":\"a\\u00e9\",\"dst\":\"853\",\"org\":\"x\"}",
		"{" WHO TIMES "\"jti\":\"0123456789012345678901234567890123456"
		"7890123456789012345678901234\",\"dst\":\"853\",\"org\":\"x\"}",
		"{" WHO TIMES WHAT ",\"n\":0}",
		"{" WHO TIMES WHAT ",\"n\":101}",
		"{" WHO TIMES WHAT ",\"n\":1.5}",
		"{" WHO TIMES WHAT ",\"n\":\"1\"}",
		"{" WHO TIMES WHAT ",\"max_s\":0}",
		"{" WHO TIMES WHAT ",\"max_s\":86401}",
		"{" WHO TIMES WHAT ",\"dst\":\"854\"}", /* said twice */
		"{" WHO TIMES WHAT "} ",
		"[]",
		"",
	};
	OWNED struct world *w = world_new();

	CHECK(w);
	CHECK_OK(read_now(w, by_site(HEADER, "{" WHO TIMES WHAT ",\"n\":1,"
					     "\"max_s\":1}")));
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		if (!strcmp(claims[i], "{" WHO TIMES WHAT "} "))
			continue; /* white space is JSON's own */
		if (read_now(w, by_site(HEADER, claims[i])) != EACCES)
			CHECK_STR(claims[i], "refused");
		CHECK(last_why && *last_why);
	}
	return 0;
}
TEST(test_click_claims_that_are_refused);

static int test_click_has_its_time(void)
{
	static const struct {
		int64_t at_s; /* from iat */
		int err;
		bool spent;
	} rows[] = {
		{ -61, EACCES, false }, /* made in the future */
		{ -60, 0, false },      /* as far as clocks may differ */
		{ 0, 0, false },
		{ 59, 0, false },
		{ 60, 0, true }, /* expired: its calls may be looked at */
		{ 60 + GW_CLICK_AFTERLIFE_S - 1, 0, true },
		{ 60 + GW_CLICK_AFTERLIFE_S, EACCES, false },
	};
	OWNED struct world *w = world_new();

	CHECK(w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct gw_key *key = NULL;

		CHECK_INT(read_at(&key, w, by_site(HEADER, CLAIMS),
				  NOW_S + rows[i].at_s),
			  rows[i].err);
		if (!rows[i].err)
			CHECK_INT(key->click->spent, rows[i].spent);
		else
			CHECK(!key);
	}
	return 0;
}
TEST(test_click_has_its_time);

static int test_click_of_more_than_4_kib_is_refused(void)
{
	static char claims[4200], padding[4000];
	OWNED struct world *w = world_new();
	const char *token;
	int fits = 0, refused = 0;

	CHECK(w);
	for (size_t n = 2600; n < 3100; n++) {
		memset(padding, 'x', n);
		padding[n] = '\0';
		(void)snprintf(claims, sizeof(claims), "{\"pad\":\"%s\",%s",
			       padding, CLAIMS + 1);
		token = by_site(HEADER, claims);
		if (strlen(token) <= GW_CLICK_SIZE_MAX) {
			CHECK_OK(read_now(w, token));
			fits++;
		} else {
			CHECK_INT(read_now(w, token), EACCES);
			refused++;
		}
		n += strlen(token) > 4080 && strlen(token) < 4110 ? 0 : 40;
	}
	CHECK(fits && refused);
	return 0;
}
TEST_WITHOUT_OOM(test_click_of_more_than_4_kib_is_refused,
		 "the same code a hundred times");

/* Any bit, in any of the three parts. */
static int test_click_with_a_bit_flipped_is_refused(void)
{
	OWNED struct world *w = world_new();
	OWNED char *token = NULL;
	size_t dots = 0;

	CHECK(w);
	CHECK_OK(make(&token, w, "plain"));
	CHECK_OK(read_now(w, token));
	for (size_t i = 0; token[i]; i++) {
		dots += token[i] == '.';
		for (int bit = 0; bit < 7; bit++) {
			token[i] ^= (char)(1 << bit);
			if (token[i])
				CHECK_INT(read_now(w, token), EACCES);
			token[i] ^= (char)(1 << bit);
		}
	}
	CHECK_INT(dots, 2);
	CHECK_OK(read_now(w, token));
	return 0;
}
TEST_WITHOUT_OOM(test_click_with_a_bit_flipped_is_refused,
		 "the same code two thousand times");

/* One token has one text. */
static int test_click_base64_is_strict(void)
{
	static char token[TOKEN_SIZE], broken[TOKEN_SIZE + 8];
	static const char *const ends[] = { "=", "==", " ", "\n", "A",
					    ".", ".A", "+", "/",  "%3D" };
	OWNED struct world *w = world_new();
	const char *dot;
	char last;

	CHECK(w);
	str_ncpy(token, by_site(HEADER, CLAIMS), sizeof(token));
	dot = strchr(token, '.');
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		(void)snprintf(broken, sizeof(broken), "%s%s", token, ends[i]);
		CHECK_INT(read_now(w, broken), EACCES);
		(void)snprintf(broken, sizeof(broken), "%.*s%s%s",
			       (int)(dot - token), token, ends[i], dot);
		CHECK_INT(read_now(w, broken), EACCES);
		(void)snprintf(broken, sizeof(broken), "%s%s", ends[i], token);
		CHECK_INT(read_now(w, broken), EACCES);
	}
	/* 43 digits of 32 bytes: two bits are left over, and have to be 0 */
	last = token[strlen(token) - 1];
	token[strlen(token) - 1] = (char)(last + 1);
	CHECK_INT(read_now(w, token), EACCES);
	CHECK_INT(read_now(w, ".."), EACCES);
	CHECK_INT(read_now(w, "a.b"), EACCES);
	CHECK_INT(read_now(w, "nodots"), EACCES);
	CHECK_INT(read_now(w, ""), EACCES);
	return 0;
}
TEST(test_click_base64_is_strict);

/* Keys that are taken away take their tokens with them. */
static int test_click_ends_with_its_key(void)
{
	static const uint8_t hash[GW_KEY_HASH] = { 1 };
	struct gw_key_row row = { .name = "crm",
				  .project = "p",
				  .scopes = "tokens:create",
				  .expires_at_ms = (NOW_S + 30) * 1000LL };
	OWNED struct world *w = world_new();
	OWNED struct gw_key *key = NULL, *late = NULL;
	OWNED char *token = NULL;

	CHECK(w);
	memcpy(row.hash, hash, sizeof(hash));
	CHECK_OK(gw_keyring_stored(w->ring, &row, 1, 1));
	CHECK_OK(make(&token, w, "crm"));
	CHECK_OK(read_at(&key, w, token, NOW_S + 29));
	CHECK(!gw_key_is_over(key, (NOW_S + 29) * 1000LL));
	/* over, even before the ring has been looked through */
	CHECK_INT(read_at(&late, w, token, NOW_S + 30), EACCES);
	CHECK_OK(gw_keyring_stored(w->ring, NULL, 0, 1));
	CHECK(gw_key_is_over(key, NOW_S * 1000LL));
	CHECK_INT(read_at(&late, w, token, NOW_S), EACCES);
	/* the same again: its tokens, too. Another of this name: not those */
	CHECK_OK(gw_keyring_stored(w->ring, &row, 1, 1));
	CHECK_OK(read_now(w, token));
	row.hash[0]++;
	CHECK_OK(gw_keyring_stored(w->ring, &row, 1, 1));
	CHECK_INT(read_now(w, token), EACCES);
	return 0;
}
TEST(test_click_ends_with_its_key);
