/* The first pass of the JSON reader.
 *
 * A recursive descent along RFC 8259, with what the RFC leaves open decided:
 * names in an object are unique, strings are UTF-8 without NUL, numbers fit into
 * a double. Depth is bounded, so recursion is. It knows where it is at any time
 * (the levels it is inside of, and the name or index in each), which is what
 * makes an error of use to people. */
#include "config/json_scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re_types.h>
#include <re_mem.h>

#include "config/json_reader.h"

static int read_value(struct gw_json_reader *r);

/* Arrays and objects ----------------------------------------------------- */

static int enter(struct gw_json_reader *r, bool object)
{
	if (r->depth >= GW_JSON_DEPTH_MAX)
		return gw_json_refuse(
			r, GW_JSON_FAULT_DEPTH,
			"arrays and objects are nested too deeply");

	r->level[r->depth++] = (struct gw_json_level){
		.in_object = object,
		.names = r->name_count,
	};
	++r->pos;
	return gw_json_skip_blanks(r);
}

static int read_array(struct gw_json_reader *r)
{
	struct gw_json_level *level = &r->level[r->depth];
	int err;

	err = enter(r, false);
	if (err)
		return err;

	if (!gw_json_take(r, ']')) {
		for (;; level->index++) {
			err = read_value(r);
			if (!err)
				err = gw_json_skip_blanks(r);
			if (err)
				return err;
			if (gw_json_take(r, ']'))
				break;
			if (!gw_json_take(r, ','))
				return gw_json_unexpected(
					r, "a comma or ] is missing here");
			err = gw_json_skip_blanks(r);
			if (err)
				return err;
		}
	}

	--r->depth;
	return 0;
}

static int read_member(struct gw_json_reader *r)
{
	struct gw_json_level *level = &r->level[r->depth - 1];
	int err;

	level->has_name = false;
	if (gw_json_peek(r) != '"')
		return gw_json_unexpected(
			r, "a member's name in quotes is missing "
			   "here");

	err = gw_json_read_string(r, &level->name);
	if (err)
		return err;

	level->has_name = true;
	err = gw_json_unique_add(r, &level->name);
	if (!err)
		err = gw_json_skip_blanks(r);
	if (err)
		return err;

	if (!gw_json_take(r, ':'))
		return gw_json_unexpected(r, "a colon is missing here");

	err = gw_json_skip_blanks(r);
	if (!err)
		err = read_value(r);
	if (!err)
		err = gw_json_skip_blanks(r);
	return err;
}

static int read_object(struct gw_json_reader *r)
{
	int err;

	err = enter(r, true);
	if (err)
		return err;

	if (!gw_json_take(r, '}')) {
		for (;;) {
			err = read_member(r);
			if (err)
				return err;
			if (gw_json_take(r, '}'))
				break;
			if (!gw_json_take(r, ','))
				return gw_json_unexpected(
					r, "a comma or } is missing here");
			err = gw_json_skip_blanks(r);
			if (err)
				return err;
		}
	}

	err = gw_json_unique_end(r);
	if (err)
		return err;

	--r->depth;
	return 0;
}

/* Values ----------------------------------------------------------------- */

static int read_word(struct gw_json_reader *r, const char *word)
{
	if (!gw_json_at_text(r, word))
		return gw_json_unexpected(r, "this is no value of JSON");

	r->pos += strlen(word);
	return 0;
}

/* Counts the value that begins here, and remembers the place if it is the one
 * asked for: a member begins with its name. */
static int count_value(struct gw_json_reader *r)
{
	const struct gw_json_level *level;

	if (++r->values > GW_JSON_VALUES_MAX)
		return gw_json_refuse(r, GW_JSON_FAULT_SIZE,
				      "the text has too many values");

	if (r->values == r->find) {
		level = r->depth ? &r->level[r->depth - 1] : NULL;
		r->place = r->pos;
		if (level && level->in_object)
			r->place = (size_t)(level->name.raw - r->text) - 1;
	}

	return 0;
}

static int read_value(struct gw_json_reader *r)
{
	struct gw_json_name ignored;
	int err;

	err = count_value(r);
	if (err)
		return err;

	switch (gw_json_peek(r)) {
	case '{':
		return read_object(r);
	case '[':
		return read_array(r);
	case '"':
		return gw_json_read_string(r, &ignored);
	case 't':
		return read_word(r, "true");
	case 'f':
		return read_word(r, "false");
	case 'n':
		return read_word(r, "null");
	default:
		if (gw_json_peek(r) == '-' || gw_json_is_digit(gw_json_peek(r)))
			return gw_json_read_number(r);
		return gw_json_unexpected(r, "this is no value of JSON");
	}
}

static int read_text(struct gw_json_reader *r)
{
	int err;

	if (gw_json_at_text(r, "\xef\xbb\xbf"))
		return gw_json_refuse(r, GW_JSON_FAULT_BOM,
				      "a byte order mark is not allowed");

	err = gw_json_skip_blanks(r);
	if (err)
		return err;
	if (r->pos >= r->len)
		return gw_json_refuse(r, GW_JSON_FAULT_EMPTY,
				      "there is no JSON here");

	err = read_value(r);
	if (!err)
		err = gw_json_skip_blanks(r);
	if (!err && r->pos < r->len)
		err = gw_json_refuse(r, GW_JSON_FAULT_TRAILING,
				     "something follows the JSON value");
	return err;
}

/* Telling the error ------------------------------------------------------ */

static void fault_pointer(const struct gw_json_reader *r, char *buf,
			  size_t size)
{
	uint32_t i;
	bool fits = true;

	buf[0] = '\0';
	for (i = 0; i < r->depth && fits; i++) {
		const struct gw_json_level *level = &r->level[i];

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

static void tell_error(const struct gw_json_reader *r,
		       struct gw_json_error *error)
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
	struct gw_json_reader r;
	int err;

	/* the arrays need no zeros, and are most of it */
	memset(&r, 0, offsetof(struct gw_json_reader, level));
	r.text = scan->text;
	r.blank = scan->blank;
	r.len = scan->len;
	r.flags = scan->flags;
	r.find = scan->find;
	r.names = r.few;
	r.name_room = GW_JSON_NAMES_ROOM;

	err = read_text(&r);
	if (err)
		tell_error(&r, error);
	else if (placep)
		*placep = r.place;

	if (r.names != r.few)
		mem_deref(r.names);
	return err;
}
