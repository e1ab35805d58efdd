/* D13: a pointer and a template over a webhook. The first line is the pointer, the
 * second the template, the rest the JSON. What the check of the settings takes never
 * fails for its form; what is mapped is bounded; a fault has a pointer. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "config/template.h"
#include "server/crm_map.h"
#include "server/json.h"
#include "tests/fuzz/fuzz.h"

static const char tables[] = "{\"t\":{\"a\":\"b\",\"1\":\"\"}}";

/* One line, with a NUL of its own; *restp is what follows. */
static char *take_line(const uint8_t *data, size_t size, size_t *restp)
{
	const uint8_t *end = memchr(data, '\n', size);
	const size_t len = end ? (size_t)(end - data) : size;
	char *line = mem_zalloc(len + 1, NULL);

	memcpy(line, data, len);
	*restp = len + (end != NULL);
	return line;
}

static void map(const char *template, const struct gw_json *value)
{
	struct gw_faults faults = { .count = 0 };
	struct gw_json_doc *table = NULL;
	struct mbuf *mb = mbuf_alloc(64);
	int err;

	ENSURE(!gw_json_parse(&table, tables, strlen(tables), 0, NULL));
	err = gw_crm_template(mb, template, value, gw_json_root(table), "/to",
			      &faults);
	ENSURE(!err || err == EINVAL);
	if (!gw_template_check(template))
		ENSURE(!err == !faults.count);
	if (!err)
		ENSURE(mb->end <= GW_CRM_TEXT_MAX);
	mem_deref(mb);
	mem_deref(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_json_doc *doc = NULL;
	char *pointer, *template;
	size_t n;

	pointer = take_line(data, size, &n);
	data += n;
	size -= n;
	template = take_line(data, size, &n);
	data += n;
	size -= n;
	(void)gw_pointer_ok(pointer, strlen(pointer));
	(void)gw_template_check(template);
	if (!gw_json_parse(&doc, (const char *)data, size, GW_JSON_EXACT,
			   NULL)) {
		const struct gw_json *found =
			gw_json_find(gw_json_root(doc), pointer);

		if (found)
			ENSURE(gw_pointer_ok(pointer, strlen(pointer)));
		map(template, gw_json_root(doc));
	}
	mem_deref(doc);
	mem_deref(template);
	mem_deref(pointer);
	return 0;
}
