/* What the strict reader takes, cJSON takes as well; printed and read again it is
 * the same; every value has a pointer that leads back to it and, in a file, a
 * line. What it refuses has a place inside the text. The first byte is the
 * flags. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "tests/fuzz/fuzz.h"

enum { WALK_MAX = 64 }; /* values whose place is asked for: each is a walk */

static void check_error(const struct gw_json_error *error, size_t len)
{
	ENSURE(error->fault != GW_JSON_FAULT_NONE);
	ENSURE(error->offset <= len);
	ENSURE(error->line >= 1 && error->column >= 1);
	ENSURE(error->text[0]);
	ENSURE(strlen(error->pointer) < GW_JSON_POINTER_SIZE);
}

static void check_value(const struct gw_json_doc *doc,
			const struct gw_json *value, bool is_file, int *walks)
{
	const struct gw_json *inner;
	char pointer[4096];
	int64_t v = 0;

	if (++*walks > WALK_MAX)
		return;

	if (!gw_json_pointer(pointer, sizeof(pointer), doc, value))
		ENSURE(gw_json_find(gw_json_root(doc), pointer) == value);
	ENSURE(is_file == (gw_json_line(doc, value) > 0));
	if (!gw_json_int(&v, value, -100, 100))
		ENSURE(v >= -100 && v <= 100);

	for (inner = gw_json_first(value); inner; inner = gw_json_next(inner))
		check_value(doc, inner, is_file, walks);
}

static void check_print(const struct gw_json_doc *doc, unsigned flags)
{
	struct gw_json_doc *again = NULL;
	struct mbuf *a = mbuf_alloc(256), *b = mbuf_alloc(256);

	ENSURE(!gw_json_print(a, gw_json_root(doc)));
	ENSURE(!gw_json_parse(&again, (char *)a->buf, a->end,
			      flags & ~(unsigned)GW_JSON_FILE, NULL));
	ENSURE(!gw_json_print(b, gw_json_root(again)));
	ENSURE(a->end == b->end && !memcmp(a->buf, b->buf, a->end));

	mem_deref(a);
	mem_deref(b);
	mem_deref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_json_doc *doc = NULL;
	struct gw_json_error error;
	unsigned flags;
	int err, walks = 0;

	if (size < 1)
		return 0;

	flags = data[0] & (GW_JSON_FILE | GW_JSON_NO_CONTROLS | GW_JSON_EXACT);
	err = gw_json_parse(&doc, (const char *)data + 1, size - 1, flags,
			    &error);
	ENSURE(!err || err == EBADMSG); /* ENOMEM: cJSON did not agree */
	if (err) {
		check_error(&error, size - 1);
		return 0;
	}

	check_value(doc, gw_json_root(doc), flags & GW_JSON_FILE, &walks);
	check_print(doc, flags);
	mem_deref(doc);
	return 0;
}
