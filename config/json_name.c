/* Names of members: what the bytes between two quotes mean.
 *
 * A name is compared and put into pointers as the text has it, escape by escape,
 * without a decoded copy: names are many, escapes in them rare. The reader has
 * found the escapes good before; nothing is checked again here. */
#include "config/json_name.h"

#include <stdio.h>
#include <string.h>

bool gw_json_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool gw_json_hex4(uint32_t *vp, const char *p, size_t left)
{
	uint32_t v = 0;
	size_t i;

	if (left < 4)
		return false;

	for (i = 0; i < 4; i++) {
		char c = p[i];

		if (gw_json_is_digit(c))
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint32_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v << 4 | (uint32_t)(c - 'A' + 10);
		else
			return false;
	}

	*vp = v;
	return true;
}

/* Walks through a string that has been found good, as the bytes it means. */
struct bytes {
	const char *p, *end;
	bool escaped;
	unsigned char buf[4];
	unsigned have, at;
};

static void utf8_encode(struct bytes *b, uint32_t cp)
{
	unsigned shift, i;

	b->at = 0;
	if (cp < 0x80) {
		b->buf[0] = (unsigned char)cp;
		b->have = 1;
		return;
	}

	b->have = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	shift = 6 * (b->have - 1);
	b->buf[0] = (unsigned char)((0xf0u << (4 - b->have)) | cp >> shift);
	for (i = 1; i < b->have; i++) {
		shift -= 6;
		b->buf[i] = (unsigned char)(0x80 | (cp >> shift & 0x3f));
	}
}

static void unescape(struct bytes *b)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	char c = b->p[1];
	uint32_t cp, low;
	const char *at;

	if (c != 'u') {
		at = strchr(from, c);
		utf8_encode(b, (uint32_t)(at ? to[at - from] : c));
		b->p += 2;
		return;
	}

	(void)gw_json_hex4(&cp, b->p + 2, 4);
	b->p += 6;
	if (cp >= 0xd800 && cp <= 0xdbff) {
		(void)gw_json_hex4(&low, b->p + 2, 4);
		b->p += 6;
		cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
	}
	utf8_encode(b, cp);
}

/* The next byte, or -1 behind the last. */
static int next_byte(struct bytes *b)
{
	if (b->at < b->have)
		return b->buf[b->at++];
	if (b->p >= b->end)
		return -1;
	if (!b->escaped || *b->p != '\\')
		return (unsigned char)*b->p++;

	unescape(b);
	return b->buf[b->at++];
}

static struct bytes name_bytes(const struct gw_json_name *name)
{
	return (struct bytes){
		.p = name->raw,
		.end = name->raw + name->len,
		.escaped = name->escaped,
	};
}

int gw_json_name_compare(const void *ap, const void *bp)
{
	const struct gw_json_name *a = ap, *b = bp;
	struct bytes x, y;
	int c, d;

	if (!a->escaped && !b->escaped) {
		size_t min = a->len < b->len ? a->len : b->len;

		c = memcmp(a->raw, b->raw, min);
		if (c)
			return c;
		return (a->len > b->len) - (a->len < b->len);
	}

	x = name_bytes(a);
	y = name_bytes(b);
	do {
		c = next_byte(&x);
		d = next_byte(&y);
	} while (c == d && c >= 0);

	return c - d;
}

bool gw_json_name_same(const struct gw_json_name *a,
		       const struct gw_json_name *b)
{
	if (!a->escaped && !b->escaped && a->len != b->len)
		return false;

	return !gw_json_name_compare(a, b);
}

bool gw_json_step_name(char *buf, size_t size, const struct gw_json_name *name)
{
	struct bytes b = name_bytes(name);
	size_t len = strlen(buf), start = len;
	int c;

	if (len + 1 >= size)
		return false;
	buf[len++] = '/';

	while ((c = next_byte(&b)) >= 0) {
		bool escape = c == '/' || c == '~';

		if (len + (escape ? 2 : 1) >= size) {
			buf[start] = '\0'; /* a whole step or none */
			return false;
		}
		if (escape)
			buf[len++] = '~';
		buf[len++] = (char)(escape ? (c == '/' ? '1' : '0') : c);
	}

	buf[len] = '\0';
	return true;
}

bool gw_json_step_index(char *buf, size_t size, uint32_t index)
{
	struct gw_json_name name = { .raw = NULL };
	char number[12];

	(void)snprintf(number, sizeof(number), "%u", index);
	name.raw = number;
	name.len = strlen(number);
	return gw_json_step_name(buf, size, &name);
}
