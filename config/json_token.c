/* The tokens of JSON: bytes, UTF-8, blanks and comments, strings and numbers, each
 * read from where the reader is and left behind it, or refused. */
#include "config/json_reader.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int gw_json_refuse_at(struct gw_json_reader *r, size_t pos,
		      enum gw_json_fault fault, const char *why)
{
	r->fault = fault;
	r->fault_pos = pos;
	r->why = why;
	return fault == GW_JSON_FAULT_MEMORY ? ENOMEM : EBADMSG;
}

int gw_json_refuse(struct gw_json_reader *r, enum gw_json_fault fault,
		   const char *why)
{
	return gw_json_refuse_at(r, r->pos, fault, why);
}

/* What was expected did not come: because of other text, or of none at all. */
int gw_json_unexpected(struct gw_json_reader *r, const char *why)
{
	if (r->pos >= r->len)
		return gw_json_refuse(r, GW_JSON_FAULT_END,
				      "the text ends too early");

	return gw_json_refuse(r, GW_JSON_FAULT_SYNTAX, why);
}

/* Bytes ------------------------------------------------------------------ */

/* The next byte, or NUL at the end: no rule of JSON asks for a NUL. */
char gw_json_peek(const struct gw_json_reader *r)
{
	return r->pos < r->len ? r->text[r->pos] : '\0';
}

bool gw_json_take(struct gw_json_reader *r, char c)
{
	if (gw_json_peek(r) != c)
		return false;

	++r->pos;
	return true;
}

/* Length of the UTF-8 sequence of more than one byte at p, 0 if it isn't one:
 * RFC 3629 4, so no overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t utf8_len(const char *p, size_t left)
{
	const unsigned char *b = (const unsigned char *)p;
	unsigned low = 0x80, high = 0xbf;
	size_t len, i;

	if (b[0] >= 0xc2 && b[0] <= 0xdf)
		len = 2;
	else if ((b[0] & 0xf0) == 0xe0)
		len = 3;
	else if (b[0] >= 0xf0 && b[0] <= 0xf4)
		len = 4;
	else
		return 0;

	if (b[0] == 0xe0)
		low = 0xa0;
	else if (b[0] == 0xed)
		high = 0x9f;
	else if (b[0] == 0xf0)
		low = 0x90;
	else if (b[0] == 0xf4)
		high = 0x8f;

	if (len > left || b[1] < low || b[1] > high)
		return 0;

	for (i = 2; i < len; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	}

	return len;
}

/* Steps over one character of any length. */
static int skip_char(struct gw_json_reader *r)
{
	size_t len = 1;

	if ((unsigned char)r->text[r->pos] >= 0x80)
		len = utf8_len(r->text + r->pos, r->len - r->pos);
	if (!len)
		return gw_json_refuse(r, GW_JSON_FAULT_UTF8,
				      "the text is not UTF-8 here");

	r->pos += len;
	return 0;
}

/* Blanks and comments ---------------------------------------------------- */

bool gw_json_at_text(const struct gw_json_reader *r, const char *str)
{
	size_t len = strlen(str);

	return r->len - r->pos >= len && !memcmp(r->text + r->pos, str, len);
}

/* Steps over a comment and leaves blanks behind, for the second pass. Line
 * breaks stay, so that places stay true. */
static int skip_comment(struct gw_json_reader *r)
{
	bool to_line_end = gw_json_at_text(r, "//");
	size_t start = r->pos, i;
	int err;

	r->pos += 2;
	while (r->pos < r->len) {
		if (to_line_end ? gw_json_peek(r) == '\n' :
				  gw_json_at_text(r, "*/"))
			break;
		err = skip_char(r);
		if (err)
			return err;
	}

	if (!to_line_end) {
		if (r->pos >= r->len)
			return gw_json_refuse_at(
				r, start, GW_JSON_FAULT_END,
				"this comment is never closed");
		r->pos += 2;
	}

	for (i = start; i < r->pos; i++) {
		if (r->blank[i] != '\n')
			r->blank[i] = ' ';
	}

	return 0;
}

int gw_json_skip_blanks(struct gw_json_reader *r)
{
	int err;

	while (r->pos < r->len) {
		switch (r->text[r->pos]) {
		case ' ':
		case '\t':
		case '\n':
		case '\r':
			++r->pos;
			break;

		case '/':
			if (!r->blank || !(gw_json_at_text(r, "//") ||
					   gw_json_at_text(r, "/*")))
				return 0;
			err = skip_comment(r);
			if (err)
				return err;
			break;

		default:
			return 0;
		}
	}

	return 0;
}

/* Strings ---------------------------------------------------------------- */

/* Of \uXXXX, behind the u. A high surrogate takes its low half along. */
static int read_unicode(struct gw_json_reader *r, size_t start, uint32_t *cp)
{
	uint32_t low;

	if (!gw_json_hex4(cp, r->text + r->pos, r->len - r->pos))
		return gw_json_refuse_at(r, start, GW_JSON_FAULT_ESCAPE,
					 "\\u wants four hexadecimal digits");
	r->pos += 4;

	if (*cp < 0xd800 || *cp > 0xdfff)
		return 0;

	if (*cp < 0xdc00 && gw_json_at_text(r, "\\u") &&
	    gw_json_hex4(&low, r->text + r->pos + 2, r->len - r->pos - 2) &&
	    low >= 0xdc00 && low <= 0xdfff) {
		*cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
		r->pos += 6;
		return 0;
	}

	return gw_json_refuse_at(r, start, GW_JSON_FAULT_SURROGATE,
				 "half of a surrogate pair is no character");
}

/* At a backslash. */
static int read_escape(struct gw_json_reader *r)
{
	size_t start = r->pos++;
	uint32_t cp = ' ';
	char c = gw_json_peek(r);
	int err;

	++r->pos;
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return 0;

	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		cp = '\n'; /* any control character */
		break;

	case 'u':
		err = read_unicode(r, start, &cp);
		if (err)
			return err;
		break;

	default:
		return gw_json_refuse_at(r, start, GW_JSON_FAULT_ESCAPE,
					 "this is no escape sequence of JSON");
	}

	if (!cp)
		return gw_json_refuse_at(r, start, GW_JSON_FAULT_CONTROL,
					 "\\u0000 is not allowed in a string");
	if (cp < 0x20 && r->flags & GW_JSON_NO_CONTROLS)
		return gw_json_refuse_at(
			r, start, GW_JSON_FAULT_CONTROL,
			"control characters are not allowed here");

	return 0;
}

/* At an opening quote. What stands between the quotes goes to *name. */
int gw_json_read_string(struct gw_json_reader *r, struct gw_json_name *name)
{
	bool escaped = false;
	size_t start;
	int err = 0;

	start = ++r->pos;
	while (r->pos < r->len) {
		unsigned char c = (unsigned char)r->text[r->pos];

		if (c == '"')
			break;

		if (c == '\\') {
			escaped = true;
			err = read_escape(r);
		} else if (c < 0x20) {
			err = gw_json_refuse(
				r, GW_JSON_FAULT_CONTROL,
				"a control character must be escaped");
		} else if (c >= 0x80) {
			err = skip_char(r);
		} else {
			++r->pos;
		}
		if (err)
			return err;
	}

	if (r->pos >= r->len)
		return gw_json_refuse_at(r, start - 1, GW_JSON_FAULT_END,
					 "this string is never closed");

	name->raw = r->text + start;
	name->len = r->pos++ - start;
	name->escaped = escaped;
	return 0;
}

/* Numbers ---------------------------------------------------------------- */

static size_t skip_digits(struct gw_json_reader *r)
{
	size_t start = r->pos;

	while (gw_json_is_digit(gw_json_peek(r)))
		++r->pos;

	return r->pos - start;
}

/* What a double can't hold. cJSON reads at most 63 characters of a number, so
 * the length is bounded, too. */
static int check_number(struct gw_json_reader *r, size_t start, bool whole)
{
	char buf[GW_JSON_NUMBER_MAX + 1];
	size_t len = r->pos - start;
	double d;

	if (len > GW_JSON_NUMBER_MAX)
		return gw_json_refuse_at(r, start, GW_JSON_FAULT_NUMBER,
					 "this number has too many digits");
	if (whole && len < 16)
		return 0;

	memcpy(buf, r->text + start, len);
	buf[len] = '\0';
	d = strtod(buf, NULL);
	if (!isfinite(d))
		return gw_json_refuse_at(r, start, GW_JSON_FAULT_NUMBER,
					 "this number is too large");
	if (whole && r->flags & GW_JSON_EXACT &&
	    fabs(d) > (double)GW_JSON_INT_MAX)
		return gw_json_refuse_at(
			r, start, GW_JSON_FAULT_NUMBER,
			"this number is too large to be kept exactly: "
			"write it as a string");

	return 0;
}

int gw_json_read_number(struct gw_json_reader *r)
{
	size_t start = r->pos;
	bool whole = true;

	(void)gw_json_take(r, '-');
	if (gw_json_take(r, '0')) {
		if (gw_json_is_digit(gw_json_peek(r)))
			return gw_json_refuse_at(
				r, start, GW_JSON_FAULT_NUMBER,
				"a number has no leading zeros");
	} else if (!skip_digits(r)) {
		return gw_json_unexpected(r, "a digit is missing here");
	}

	if (gw_json_take(r, '.')) {
		whole = false;
		if (!skip_digits(r))
			return gw_json_unexpected(r, "a digit is missing here");
	}

	if (gw_json_peek(r) == 'e' || gw_json_peek(r) == 'E') {
		whole = false;
		++r->pos;
		if (!gw_json_take(r, '+'))
			(void)gw_json_take(r, '-');
		if (!skip_digits(r))
			return gw_json_unexpected(r, "a digit is missing here");
	}

	return check_number(r, start, whole);
}
