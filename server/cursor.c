/* A cursor is base64url of the position and 96 bits of an HMAC over it, the list
 * and whose it is. The key is the gateway's own secret, which the store keeps: a
 * cursor is good after a restart, too. */
#include "server/cursor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <re.h>

#include "server/store.h"

enum { MAC = 12, PLAIN = GW_CURSOR_POSITION + MAC };

static int sign(uint8_t mac[MAC], const struct gw_cursor_of *of,
		const char *position, size_t len)
{
	uint8_t whole[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char text[256];
	int used;

	/* project names have no line feeds */
	used = snprintf(text, sizeof(text), "cursor\n%s\n%s\n%.*s", of->list,
			of->whose ? of->whose : "", (int)len, position);
	if (used < 0 || (size_t)used >= sizeof(text))
		return EINVAL;
	if (!HMAC(EVP_sha256(), of->secret, GW_STORE_SECRET,
		  (const uint8_t *)text, (size_t)used, whole, &n))
		return ENOMEM;
	memcpy(mac, whole, MAC);
	return 0;
}

/* RFC 4648 5: base64 for URLs, without padding. */
static void translate(char *text, const char *from, const char *to)
{
	for (; *text; text++) {
		const char *p = strchr(from, *text);

		if (p)
			*text = to[p - from];
	}
}

int gw_cursor_print(char text[GW_CURSOR_SIZE], const struct gw_cursor_of *of,
		    const char *position)
{
	const size_t len = str_len(position);
	uint8_t plain[PLAIN];
	size_t n = GW_CURSOR_SIZE - 1;
	int err;

	if (!len || len >= GW_CURSOR_POSITION)
		return EINVAL;
	memcpy(plain, position, len);
	err = sign(plain + len, of, position, len);
	err = err ? err : base64_encode(plain, len + MAC, text, &n);
	if (err)
		return err;
	text[n] = '\0';
	text[strcspn(text, "=")] = '\0';
	translate(text, "+/", "-_");
	return 0;
}

bool gw_cursor_read(char position[GW_CURSOR_POSITION],
		    const struct gw_cursor_of *of, const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				     "opqrstuvwxyz0123456789-_";
	char padded[GW_CURSOR_SIZE + 4], again[GW_CURSOR_SIZE];
	uint8_t plain[PLAIN + 3];
	const size_t len = str_len(text);
	size_t n = sizeof(plain);

	if (!len || len >= GW_CURSOR_SIZE || strspn(text, digits) != len)
		return false;
	(void)snprintf(padded, sizeof(padded), "%s%s", text,
		       &"==="[len % 4 ? len % 4 - 1 : 3]);
	translate(padded, "-_", "+/");
	if (base64_decode(padded, strlen(padded), plain, &n) || n <= MAC ||
	    n - MAC >= GW_CURSOR_POSITION || memchr(plain, '\0', n - MAC))
		return false;
	memcpy(position, plain, n - MAC);
	position[n - MAC] = '\0';
	/* as it would be written, to the last bit */
	return !gw_cursor_print(again, of, position) && strlen(again) == len &&
	       !CRYPTO_memcmp(again, text, len);
}
