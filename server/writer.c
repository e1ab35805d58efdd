/* JSON as text. See writer.h. */
#include "server/writer.h"

#include <string.h>

#include <re.h>

#include "server/clock.h"

/* Room for len bytes more, and where they go; NULL: no memory. */
static uint8_t *reserve(struct gw_writer *w, size_t len)
{
	struct mbuf *mb = w->mb;

	if (w->err)
		return NULL;
	if (mb->size - mb->pos < len) {
		w->err = mbuf_resize(mb, mb->size + MAX(mb->size, len));
		if (w->err)
			return NULL;
	}
	return mb->buf + mb->pos;
}

static void advance(struct gw_writer *w, size_t len)
{
	w->mb->pos += len;
	w->mb->end = MAX(w->mb->end, w->mb->pos);
}

static void put(struct gw_writer *w, const char *text, size_t len)
{
	uint8_t *at = reserve(w, len);

	if (!at)
		return;
	memcpy(at, text, len);
	advance(w, len);
}

/* Everything that starts a value: the comma before it and its name. */
static void begin(struct gw_writer *w, const char *name)
{
	const size_t len = name ? strlen(name) : 0;
	uint8_t *at = reserve(w, len + 4), *const from = at;

	if (!at)
		return;
	if (w->comma)
		*at++ = ',';
	w->comma = true;
	if (name) {
		*at++ = '"';
		for (size_t i = 0; i < len; i++)
			*at++ = (uint8_t)name[i];
		*at++ = '"';
		*at++ = ':';
	}
	advance(w, (size_t)(at - from));
}

void gw_writer_init(struct gw_writer *w, struct mbuf *mb)
{
	w->mb = mb;
	w->comma = false;
	w->err = 0;
}

void gw_write_open(struct gw_writer *w, const char *name, char bracket)
{
	begin(w, name);
	put(w, &bracket, 1);
	w->comma = false;
}

void gw_write_close(struct gw_writer *w, char bracket)
{
	put(w, &bracket, 1);
	w->comma = true;
}

static void put_escaped(struct gw_writer *w, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char out[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	switch (c) {
	case '"':
	case '\\':
		out[1] = (char)c;
		put(w, out, 2);
		return;
	case '\n':
		put(w, "\\n", 2);
		return;
	case '\r':
		put(w, "\\r", 2);
		return;
	case '\t':
		put(w, "\\t", 2);
		return;
	default:
		put(w, out, 6);
		return;
	}
}

/* The number of bytes at s that form one well-formed UTF-8 sequence (RFC 3629),
 * or 0: what a far SIP side wrote need not be UTF-8, but our JSON must be. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (left < n)
		return 0;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* ASCII that stands for itself. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void gw_write_stringn(struct gw_writer *w, const char *name, const char *val,
		      size_t len)
{
	const unsigned char *s = (const unsigned char *)val;
	size_t from = 0, at = 0;

	begin(w, name);
	put(w, "\"", 1);
	while (at < len) {
		size_t n;

		if (is_plain(s[at])) {
			at++;
			continue;
		}
		n = utf8_len(s + at, len - at);
		if (n && s[at] >= 0x20 && s[at] != '"' && s[at] != '\\' &&
		    s[at] != 0x7f) {
			at += n;
			continue;
		}
		put(w, val + from, at - from);
		if (n)
			put_escaped(w, s[at]);
		else
			put(w, "\xef\xbf\xbd", 3); /* U+FFFD */
		from = ++at;
	}
	put(w, val + from, at - from);
	put(w, "\"", 1);
}

void gw_write_string(struct gw_writer *w, const char *name, const char *val)
{
	if (val)
		gw_write_stringn(w, name, val, strlen(val));
	else
		gw_write_null(w, name);
}

void gw_write_int(struct gw_writer *w, const char *name, int64_t val)
{
	char text[24];
	size_t at = sizeof(text);
	uint64_t rest = val < 0 ? 0 - (uint64_t)val : (uint64_t)val;

	do {
		text[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (val < 0)
		text[--at] = '-';

	begin(w, name);
	put(w, text + at, sizeof(text) - at);
}

void gw_write_fixed1(struct gw_writer *w, const char *name, double val)
{
	char text[32];
	const int n = re_snprintf(text, sizeof(text), "%.1f", val);

	begin(w, name);
	if (n > 0)
		put(w, text, (size_t)n);
	else
		put(w, "0", 1);
}

void gw_write_bool(struct gw_writer *w, const char *name, bool val)
{
	begin(w, name);
	if (val)
		put(w, "true", 4);
	else
		put(w, "false", 5);
}

void gw_write_null(struct gw_writer *w, const char *name)
{
	begin(w, name);
	put(w, "null", 4);
}

void gw_write_time(struct gw_writer *w, const char *name, int64_t at_ms)
{
	char text[GW_CLOCK_LEN + 1];

	if (!at_ms) {
		gw_write_null(w, name);
		return;
	}
	gw_clock_print(text, at_ms);
	begin(w, name);
	put(w, "\"", 1);
	put(w, text, GW_CLOCK_LEN);
	put(w, "\"", 1);
}

void gw_write_raw(struct gw_writer *w, const char *name, const char *json,
		  size_t len)
{
	begin(w, name);
	put(w, json, len);
}
