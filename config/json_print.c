/* JSON values back to text: compact, and such that the strict reader takes it
 * again and finds the same. */
#include "config/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re_types.h>
#include <re_mbuf.h>

/* As few digits as bring the same double back. cJSON's own printing takes a
 * neighbouring one for the same: it writes 9007199254740991 as
 * 9.00719925474099e+15. */
static void shortest(char *buf, size_t size, double d)
{
	int digits;

	for (digits = 15; digits <= 17; digits++) {
		double back;

		(void)snprintf(buf, size, "%.*g", digits, d);
		back = strtod(buf, NULL);
		if (back >= d && back <= d)
			return;
	}
}

/* Digits alone are a promise of exactness, and refused beyond GW_JSON_INT_MAX
 * by GW_JSON_EXACT: a rounded number of that size gets a point. */
static int print_number(struct mbuf *mb, double d)
{
	char buf[40];
	int err;

	if (fabs(d) <= (double)GW_JSON_INT_MAX && trunc(d) >= d &&
	    trunc(d) <= d) {
		(void)snprintf(buf, sizeof(buf), "%.0f", d);
		return mbuf_write_str(mb, buf);
	}

	shortest(buf, sizeof(buf), d);
	err = mbuf_write_str(mb, buf);
	if (!err && !strpbrk(buf, ".e"))
		err = mbuf_write_str(mb, ".0");
	return err;
}

static int print_escape(struct mbuf *mb, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = strchr(from, c);
	char buf[8];

	if (at)
		(void)snprintf(buf, sizeof(buf), "\\%c", to[at - from]);
	else
		(void)snprintf(buf, sizeof(buf), "\\u%04x", (unsigned)c);

	return mbuf_write_str(mb, buf);
}

static int write_string(struct mbuf *mb, const char *text, size_t len)
{
	size_t i, start = 0;
	int err;

	err = mbuf_write_u8(mb, '"');
	for (i = 0; i < len && !err; i++) {
		char c = text[i];

		if ((unsigned char)c >= 0x20 && c != '"' && c != '\\')
			continue;

		err = mbuf_write_mem(mb, (const uint8_t *)text + start,
				     i - start);
		if (!err)
			err = print_escape(mb, c);
		start = i + 1;
	}

	if (!err)
		err = mbuf_write_mem(mb, (const uint8_t *)text + start,
				     len - start);
	if (!err)
		err = mbuf_write_u8(mb, '"');
	return err;
}

static int print_value(struct mbuf *mb, const struct gw_json *value);

static int print_inner(struct mbuf *mb, const struct gw_json *container,
		       const char *brackets)
{
	const struct gw_json *inner;
	int err;

	err = mbuf_write_u8(mb, (uint8_t)brackets[0]);
	for (inner = gw_json_first(container); inner && !err;
	     inner = gw_json_next(inner)) {
		const char *name = gw_json_name(inner);

		if (inner != gw_json_first(container))
			err = mbuf_write_u8(mb, ',');
		if (!err && name)
			err = write_string(mb, name, strlen(name));
		if (!err && name)
			err = mbuf_write_u8(mb, ':');
		if (!err)
			err = print_value(mb, inner);
	}

	if (!err)
		err = mbuf_write_u8(mb, (uint8_t)brackets[1]);
	return err;
}

static int print_value(struct mbuf *mb, const struct gw_json *value)
{
	const char *str;
	bool yes = false;
	double d = 0;

	switch (gw_json_type(value)) {
	case GW_JSON_NULL:
		return mbuf_write_str(mb, "null");

	case GW_JSON_BOOL:
		(void)gw_json_bool(&yes, value);
		return mbuf_write_str(mb, yes ? "true" : "false");

	case GW_JSON_NUMBER:
		(void)gw_json_double(&d, value);
		return print_number(mb, d);

	case GW_JSON_STRING:
		str = gw_json_string(value);
		return write_string(mb, str, strlen(str));

	case GW_JSON_ARRAY:
		return print_inner(mb, value, "[]");

	case GW_JSON_OBJECT:
		return print_inner(mb, value, "{}");

	case GW_JSON_NONE:
	default:
		return EINVAL;
	}
}

int gw_json_print(struct mbuf *mb, const struct gw_json *value)
{
	size_t pos = mb->pos, end = mb->end;
	int err;

	err = print_value(mb, value);
	if (err) {
		mb->pos = pos;
		mb->end = end;
	}

	return err;
}

int gw_json_print_string(struct mbuf *mb, const char *text, size_t len)
{
	size_t pos = mb->pos, end = mb->end;
	int err;

	err = write_string(mb, text, len);
	if (err) {
		mb->pos = pos;
		mb->end = end;
	}

	return err;
}
