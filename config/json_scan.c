/* The first pass of the JSON reader.
 *
 * A recursive descent along RFC 8259, with what the RFC leaves open decided:
 * names in an object are unique, strings are UTF-8 without NUL, numbers fit into
 * a double. Depth is bounded, so recursion is. It knows where it is at any time
 * (the levels it is inside of, and the name or index in each), which is what
 * makes an error of use to people.
 *
 * Two equal names in an object: the first few are compared pair by pair as they
 * come, many are sorted at the object's end. No hash that somebody could aim at,
 * and n log n at worst. */
#include "config/json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re_types.h>
#include <re_mem.h>

#include "config/json.h"
#include "config/json_name.h"

enum {
	FEW_NAMES = 16, /* so many names are compared pair by pair */
	NAMES_ROOM = 64 /* names kept without asking for memory    */
};

/* Where the reader is: one for each array and object it is inside of. */
struct level {
	bool in_object;
	bool has_name;  /* name is the member being read   */
	uint32_t index; /* the element being read          */
	size_t names;   /* where its names begin in reader */
	struct gw_json_name name;
};

struct reader {
	const char *text;
	char *blank; /* the same bytes, if comments are allowed */
	size_t len;
	size_t pos;
	unsigned flags;
	uint32_t values; /* met so far                            */
	uint32_t find;   /* number of the one whose place is wanted */
	size_t place;    /* where that is                         */

	enum gw_json_fault fault;
	size_t fault_pos;
	const char *why;

	/* names of all open objects; those of the innermost come last */
	struct gw_json_name *names;
	size_t name_count;
	size_t name_room;

	uint32_t depth;
	struct level level[GW_JSON_DEPTH_MAX];
	struct gw_json_name few[NAMES_ROOM];
};

static int read_value(struct reader *r);

/* Refusing --------------------------------------------------------------- */

static int refuse_at(struct reader *r, size_t pos, enum gw_json_fault fault,
		     const char *why)
{
	r->fault = fault;
	r->fault_pos = pos;
	r->why = why;
	return fault == GW_JSON_FAULT_MEMORY ? ENOMEM : EBADMSG;
}

static int refuse(struct reader *r, enum gw_json_fault fault, const char *why)
{
	return refuse_at(r, r->pos, fault, why);
}

/* What was expected did not come: because of other text, or of none at all. */
static int unexpected(struct reader *r, const char *why)
{
	if (r->pos >= r->len)
		return refuse(r, GW_JSON_FAULT_END, "the text ends too early");

	return refuse(r, GW_JSON_FAULT_SYNTAX, why);
}

/* Bytes ------------------------------------------------------------------ */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The next byte, or NUL at the end: no rule of JSON asks for a NUL. */
static char peek(const struct reader *r)
{
	return r->pos < r->len ? r->text[r->pos] : '\0';
}

static bool take(struct reader *r, char c)
{
	if (peek(r) != c)
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
static int skip_char(struct reader *r)
{
	size_t len = 1;

	if ((unsigned char)r->text[r->pos] >= 0x80)
		len = utf8_len(r->text + r->pos, r->len - r->pos);
	if (!len)
		return refuse(r, GW_JSON_FAULT_UTF8,
			      "the text is not UTF-8 here");

	r->pos += len;
	return 0;
}

/* Blanks and comments ---------------------------------------------------- */

static bool at_text(const struct reader *r, const char *str)
{
	size_t len = strlen(str);

	return r->len - r->pos >= len && !memcmp(r->text + r->pos, str, len);
}

/* Steps over a comment and leaves blanks behind, for the second pass. Line
 * breaks stay, so that places stay true. */
static int skip_comment(struct reader *r)
{
	bool to_line_end = at_text(r, "//");
	size_t start = r->pos, i;
	int err;

	r->pos += 2;
	while (r->pos < r->len) {
		if (to_line_end ? peek(r) == '\n' : at_text(r, "*/"))
			break;
		err = skip_char(r);
		if (err)
			return err;
	}

	if (!to_line_end) {
		if (r->pos >= r->len)
			return refuse_at(r, start, GW_JSON_FAULT_END,
					 "this comment is never closed");
		r->pos += 2;
	}

	for (i = start; i < r->pos; i++) {
		if (r->blank[i] != '\n')
			r->blank[i] = ' ';
	}

	return 0;
}

static int skip_blanks(struct reader *r)
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
			if (!r->blank ||
			    !(at_text(r, "//") || at_text(r, "/*")))
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
static int read_unicode(struct reader *r, size_t start, uint32_t *cp)
{
	uint32_t low;

	if (!gw_json_hex4(cp, r->text + r->pos, r->len - r->pos))
		return refuse_at(r, start, GW_JSON_FAULT_ESCAPE,
				 "\\u wants four hexadecimal digits");
	r->pos += 4;

	if (*cp < 0xd800 || *cp > 0xdfff)
		return 0;

	if (*cp < 0xdc00 && at_text(r, "\\u") &&
	    gw_json_hex4(&low, r->text + r->pos + 2, r->len - r->pos - 2) &&
	    low >= 0xdc00 && low <= 0xdfff) {
		*cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
		r->pos += 6;
		return 0;
	}

	return refuse_at(r, start, GW_JSON_FAULT_SURROGATE,
			 "half of a surrogate pair is no character");
}

/* At a backslash. */
static int read_escape(struct reader *r)
{
	size_t start = r->pos++;
	uint32_t cp = ' ';
	char c = peek(r);
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
		return refuse_at(r, start, GW_JSON_FAULT_ESCAPE,
				 "this is no escape sequence of JSON");
	}

	if (!cp)
		return refuse_at(r, start, GW_JSON_FAULT_CONTROL,
				 "\\u0000 is not allowed in a string");
	if (cp < 0x20 && r->flags & GW_JSON_NO_CONTROLS)
		return refuse_at(r, start, GW_JSON_FAULT_CONTROL,
				 "control characters are not allowed here");

	return 0;
}

/* At an opening quote. What stands between the quotes goes to *name. */
static int read_string(struct reader *r, struct gw_json_name *name)
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
			err = refuse(r, GW_JSON_FAULT_CONTROL,
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
		return refuse_at(r, start - 1, GW_JSON_FAULT_END,
				 "this string is never closed");

	name->raw = r->text + start;
	name->len = r->pos++ - start;
	name->escaped = escaped;
	return 0;
}

/* Names ------------------------------------------------------------------ */

static int refuse_duplicate(struct reader *r, const struct gw_json_name *name)
{
	struct level *level = &r->level[r->depth - 1];

	level->name = *name;
	level->has_name = true;
	return refuse_at(r, (size_t)(name->raw - r->text) - 1,
			 GW_JSON_FAULT_DUPLICATE,
			 "this object has a member of that name already");
}

static int grow_names(struct reader *r)
{
	size_t room = 2 * r->name_room;
	struct gw_json_name *names;

	names = mem_alloc(room * sizeof(*names), NULL);
	if (!names)
		return refuse(r, GW_JSON_FAULT_MEMORY, "out of memory");

	memcpy(names, r->names, r->name_count * sizeof(*names));
	if (r->names != r->few)
		mem_deref(r->names);
	r->names = names;
	r->name_room = room;
	return 0;
}

/* Few names are compared as they come; of many, object_end() has the rest. */
static int add_name(struct reader *r, const struct gw_json_name *name)
{
	const struct level *level = &r->level[r->depth - 1];
	size_t i;
	int err;

	if (r->name_count - level->names < FEW_NAMES) {
		for (i = level->names; i < r->name_count; i++) {
			if (gw_json_name_same(&r->names[i], name))
				return refuse_duplicate(r, name);
		}
	}

	if (r->name_count == r->name_room) {
		err = grow_names(r);
		if (err)
			return err;
	}

	r->names[r->name_count++] = *name;
	return 0;
}

/* Sorting finds equal names side by side, however hostile they were chosen. */
static int object_end(struct reader *r)
{
	const struct level *level = &r->level[r->depth - 1];
	struct gw_json_name *names = r->names + level->names;
	size_t count = r->name_count - level->names, i;

	if (count > FEW_NAMES) {
		qsort(names, count, sizeof(*names), gw_json_name_compare);
		for (i = 1; i < count; i++) {
			const struct gw_json_name *a = &names[i - 1],
						  *b = &names[i];

			if (gw_json_name_same(a, b))
				return refuse_duplicate(r, a->raw > b->raw ? a :
									     b);
		}
	}

	r->name_count = level->names;
	return 0;
}

/* Numbers ---------------------------------------------------------------- */

static size_t skip_digits(struct reader *r)
{
	size_t start = r->pos;

	while (is_digit(peek(r)))
		++r->pos;

	return r->pos - start;
}

/* What a double can't hold. cJSON reads at most 63 characters of a number, so
 * the length is bounded, too. */
static int check_number(struct reader *r, size_t start, bool whole)
{
	char buf[GW_JSON_NUMBER_MAX + 1];
	size_t len = r->pos - start;
	double d;

	if (len > GW_JSON_NUMBER_MAX)
		return refuse_at(r, start, GW_JSON_FAULT_NUMBER,
				 "this number has too many digits");
	if (whole && len < 16)
		return 0;

	memcpy(buf, r->text + start, len);
	buf[len] = '\0';
	d = strtod(buf, NULL);
	if (!isfinite(d))
		return refuse_at(r, start, GW_JSON_FAULT_NUMBER,
				 "this number is too large");
	if (whole && r->flags & GW_JSON_EXACT &&
	    fabs(d) > (double)GW_JSON_INT_MAX)
		return refuse_at(r, start, GW_JSON_FAULT_NUMBER,
				 "this number is too large to be kept exactly: "
				 "write it as a string");

	return 0;
}

static int read_number(struct reader *r)
{
	size_t start = r->pos;
	bool whole = true;

	(void)take(r, '-');
	if (take(r, '0')) {
		if (is_digit(peek(r)))
			return refuse_at(r, start, GW_JSON_FAULT_NUMBER,
					 "a number has no leading zeros");
	} else if (!skip_digits(r)) {
		return unexpected(r, "a digit is missing here");
	}

	if (take(r, '.')) {
		whole = false;
		if (!skip_digits(r))
			return unexpected(r, "a digit is missing here");
	}

	if (peek(r) == 'e' || peek(r) == 'E') {
		whole = false;
		++r->pos;
		if (!take(r, '+'))
			(void)take(r, '-');
		if (!skip_digits(r))
			return unexpected(r, "a digit is missing here");
	}

	return check_number(r, start, whole);
}

/* Arrays and objects ----------------------------------------------------- */

static int enter(struct reader *r, bool object)
{
	if (r->depth >= GW_JSON_DEPTH_MAX)
		return refuse(r, GW_JSON_FAULT_DEPTH,
			      "arrays and objects are nested too deeply");

	r->level[r->depth++] = (struct level){
		.in_object = object,
		.names = r->name_count,
	};
	++r->pos;
	return skip_blanks(r);
}

static int read_array(struct reader *r)
{
	struct level *level = &r->level[r->depth];
	int err;

	err = enter(r, false);
	if (err)
		return err;

	if (!take(r, ']')) {
		for (;; level->index++) {
			err = read_value(r);
			if (!err)
				err = skip_blanks(r);
			if (err)
				return err;
			if (take(r, ']'))
				break;
			if (!take(r, ','))
				return unexpected(
					r, "a comma or ] is missing here");
			err = skip_blanks(r);
			if (err)
				return err;
		}
	}

	--r->depth;
	return 0;
}

static int read_member(struct reader *r)
{
	struct level *level = &r->level[r->depth - 1];
	int err;

	level->has_name = false;
	if (peek(r) != '"')
		return unexpected(r, "a member's name in quotes is missing "
				     "here");

	err = read_string(r, &level->name);
	if (err)
		return err;

	level->has_name = true;
	err = add_name(r, &level->name);
	if (!err)
		err = skip_blanks(r);
	if (err)
		return err;

	if (!take(r, ':'))
		return unexpected(r, "a colon is missing here");

	err = skip_blanks(r);
	if (!err)
		err = read_value(r);
	if (!err)
		err = skip_blanks(r);
	return err;
}

static int read_object(struct reader *r)
{
	int err;

	err = enter(r, true);
	if (err)
		return err;

	if (!take(r, '}')) {
		for (;;) {
			err = read_member(r);
			if (err)
				return err;
			if (take(r, '}'))
				break;
			if (!take(r, ','))
				return unexpected(
					r, "a comma or } is missing here");
			err = skip_blanks(r);
			if (err)
				return err;
		}
	}

	err = object_end(r);
	if (err)
		return err;

	--r->depth;
	return 0;
}

/* Values ----------------------------------------------------------------- */

static int read_word(struct reader *r, const char *word)
{
	if (!at_text(r, word))
		return unexpected(r, "this is no value of JSON");

	r->pos += strlen(word);
	return 0;
}

/* Counts the value that begins here, and remembers the place if it is the one
 * asked for: a member begins with its name. */
static int count_value(struct reader *r)
{
	const struct level *level;

	if (++r->values > GW_JSON_VALUES_MAX)
		return refuse(r, GW_JSON_FAULT_SIZE,
			      "the text has too many values");

	if (r->values == r->find) {
		level = r->depth ? &r->level[r->depth - 1] : NULL;
		r->place = r->pos;
		if (level && level->in_object)
			r->place = (size_t)(level->name.raw - r->text) - 1;
	}

	return 0;
}

static int read_value(struct reader *r)
{
	struct gw_json_name ignored;
	int err;

	err = count_value(r);
	if (err)
		return err;

	switch (peek(r)) {
	case '{':
		return read_object(r);
	case '[':
		return read_array(r);
	case '"':
		return read_string(r, &ignored);
	case 't':
		return read_word(r, "true");
	case 'f':
		return read_word(r, "false");
	case 'n':
		return read_word(r, "null");
	default:
		if (peek(r) == '-' || is_digit(peek(r)))
			return read_number(r);
		return unexpected(r, "this is no value of JSON");
	}
}

static int read_text(struct reader *r)
{
	int err;

	if (at_text(r, "\xef\xbb\xbf"))
		return refuse(r, GW_JSON_FAULT_BOM,
			      "a byte order mark is not allowed");

	err = skip_blanks(r);
	if (err)
		return err;
	if (r->pos >= r->len)
		return refuse(r, GW_JSON_FAULT_EMPTY, "there is no JSON here");

	err = read_value(r);
	if (!err)
		err = skip_blanks(r);
	if (!err && r->pos < r->len)
		err = refuse(r, GW_JSON_FAULT_TRAILING,
			     "something follows the JSON value");
	return err;
}

/* Telling the error ------------------------------------------------------ */

static void fault_pointer(const struct reader *r, char *buf, size_t size)
{
	uint32_t i;
	bool fits = true;

	buf[0] = '\0';
	for (i = 0; i < r->depth && fits; i++) {
		const struct level *level = &r->level[i];

		if (!level->in_object)
			fits = gw_json_step_index(buf, size, level->index);
		else if (level->has_name)
			fits = gw_json_step_name(buf, size, &level->name);
	}
}

void gw_json_place(struct gw_json_error *error, const char *text, size_t pos)
{
	size_t i, line_start = 0;

	error->line = 1;
	for (i = 0; i < pos; i++) {
		if (text[i] == '\n') {
			++error->line;
			line_start = i + 1;
		}
	}
	error->column = (uint32_t)(pos - line_start + 1);
	error->offset = pos;
}

static void tell_error(const struct reader *r, struct gw_json_error *error)
{
	if (!error)
		return;

	error->fault = r->fault;
	gw_json_place(error, r->text, r->fault_pos);
	fault_pointer(r, error->pointer, sizeof(error->pointer));
	(void)snprintf(error->text, sizeof(error->text), "%s", r->why);
}

/* The scan ---------------------------------------------------------------- */

int gw_json_scan(const struct gw_json_scan *scan, size_t *placep,
		 struct gw_json_error *error)
{
	struct reader r;
	int err;

	/* the arrays need no zeros, and are most of it */
	memset(&r, 0, offsetof(struct reader, level));
	r.text = scan->text;
	r.blank = scan->blank;
	r.len = scan->len;
	r.flags = scan->flags;
	r.find = scan->find;
	r.names = r.few;
	r.name_room = NAMES_ROOM;

	err = read_text(&r);
	if (err)
		tell_error(&r, error);
	else if (placep)
		*placep = r.place;

	if (r.names != r.few)
		mem_deref(r.names);
	return err;
}
