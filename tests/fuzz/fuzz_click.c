/* The text of a click token, read with a ring of two keys. The first byte chooses:
 * the text as it is, or its two first parts (header and claims, apart by a line's
 * end) packed and signed by one of the three who may, so that what is behind the
 * signature is reached, too. What is taken keeps its bounds; what is refused says
 * why. */
#include <errno.h>
#include <string.h>

#include <openssl/hmac.h>
#include <re.h>

#include "config/config.h"
#include "server/click.h"
#include "server/keyring.h"
#include "tests/fuzz/fuzz.h"

enum { NOW_S = 1800000000 };

#define SITE "0123456789abcdef0123456789abcdef"

static const uint8_t ours[GW_CLICK_SECRET] = { 1, 2, 3 };

static struct gw_keyring *ring(void)
{
	static const char text[] =
		"{\"allow_inline\":true,\"keys\":["
		"{\"name\":\"site\",\"secret\":\"secret-of-site-12345\","
		"\"token_secret\":\"" SITE "\"},"
		"{\"name\":\"plain\",\"secret\":\"secret-of-plain-1234\"}]}";
	static struct gw_config_errors errs;
	static struct gw_keyring *r;
	struct gw_config *cfg = NULL;

	if (r)
		return r;
	ENSURE(!gw_config_parse(&cfg, text, sizeof(text) - 1, &errs));
	ENSURE(!gw_keyring_alloc(&r, cfg));
	mem_deref(cfg);
	return r;
}

static void put(struct mbuf *mb, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				     "nopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < len * 8; i += 6) {
		unsigned v = 0;

		for (size_t bit = i; bit < i + 6; bit++)
			v = v << 1 |
			    (bit < len * 8 ?
				     bytes[bit / 8] >> (7 - bit % 8) & 1u :
				     0u);
		(void)mbuf_write_u8(mb, (uint8_t)digits[v]);
	}
}

static struct mbuf *sign(const uint8_t *data, size_t size, bool by_site)
{
	const uint8_t *end = memchr(data, '\n', size);
	const size_t header = end ? (size_t)(end - data) : size;
	struct mbuf *mb = mbuf_alloc(2 * size + 64);
	const struct gw_key *plain = gw_keyring_by_name(ring(), "plain");
	uint8_t mac[32], own[32];
	unsigned len = 0;

	/* as click.c has it: our secret and the key's hash */
	(void)HMAC(EVP_sha256(), ours, (int)sizeof(ours), plain->hash,
		   sizeof(plain->hash), own, &len);

	ENSURE(mb);
	put(mb, data, header);
	(void)mbuf_write_u8(mb, '.');
	if (end)
		put(mb, end + 1, size - header - 1);
	(void)HMAC(EVP_sha256(), by_site ? (const void *)SITE : own,
		   by_site ? (int)strlen(SITE) : (int)sizeof(own), mb->buf,
		   mb->end, mac, &len);
	(void)mbuf_write_u8(mb, '.');
	put(mb, mac, len);
	return mb;
}

static void check_taken(const struct gw_key *key)
{
	const struct gw_click *click = key->click;

	ENSURE(click && key->parent && key->state == key->parent->state);
	ENSURE(!strcmp(key->name, "site") || !strcmp(key->name, "plain"));
	ENSURE(!strncmp(click->id, key->name, strlen(key->name)));
	ENSURE(strlen(click->id) < GW_CLICK_ID_SIZE);
	ENSURE(click->to && *click->to && strlen(click->to) <= 256);
	ENSURE(click->origin && *click->origin);
	ENSURE(click->uses >= 1 && click->uses <= GW_CLICK_USES_MAX);
	ENSURE(click->max_s <= 86400);
	ENSURE(click->spent == (NOW_S >= click->expires_at));
	ENSURE(click->expires_at > NOW_S - GW_CLICK_AFTERLIFE_S);
	ENSURE(click->expires_at <= NOW_S + 60 + GW_CLICK_LIFE_MAX_S);
	ENSURE(!gw_key_may(key, "admin"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_key *key = NULL;
	struct mbuf *mb = NULL;
	const char *text, *why = NULL;
	size_t len;
	int err;

	if (size < 1)
		return 0;
	text = (const char *)data + 1;
	len = size - 1;
	if (data[0] & 3) {
		mb = sign(data + 1, size - 1, data[0] & 1);
		text = (const char *)mb->buf;
		len = mb->end;
	}
	if (gw_click_looks_like(text, len)) {
		err = gw_click_read(&key, text, len, ring(), ours, NOW_S, &why);
		ENSURE(err == 0 || err == EACCES);
		if (err)
			ENSURE(!key && why && *why);
		else
			check_taken(key);
	}
	mem_deref(key);
	mem_deref(mb);
	return 0;
}
