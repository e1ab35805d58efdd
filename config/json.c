/* The strict JSON reader.
 *
 * Reading is two passes. The first, json_scan.c, walks the text once and refuses all
 * that RFC 8259 does not allow or leaves open in a way that would let two
 * readers see two things. The second is cJSON's, which builds the tree; left alone it would take duplicate
 * names, leading zeros, broken UTF-8, \u0000 and whatever follows the value.
 * Nothing outside this file knows that it is cJSON.
 *
 * Nodes carry no place in the text. As both passes meet the values in the same
 * order, the n-th value of the tree is the n-th of the text: gw_json_line()
 * counts in the tree, then has the first pass run again and stop there. Only
 * error messages pay for it.
 *
 *   json_scan.c     the first pass        json_pointer.c   ways to a value
 *   json_token.c    what it reads with    json_print.c     back to text
 *   json_unique.c   no name twice         json_name.c      names, escapes
 *
 * What is left to others: what members mean (callers), files (config_file.c). */
#include "config/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <re_types.h>
#include <re_mem.h>

#include "config/json_scan.h"

struct gw_json_doc {
	cJSON *root;
	char *text; /* comments blanked; only with GW_JSON_FILE */
	size_t len;
};

const char *gw_json_fault_name(enum gw_json_fault fault)
{
	static const char *const names[] = {
		[GW_JSON_FAULT_NONE] = "none",
		[GW_JSON_FAULT_EMPTY] = "empty",
		[GW_JSON_FAULT_SYNTAX] = "not-json",
		[GW_JSON_FAULT_END] = "cut-off",
		[GW_JSON_FAULT_TRAILING] = "trailing-bytes",
		[GW_JSON_FAULT_BOM] = "byte-order-mark",
		[GW_JSON_FAULT_UTF8] = "not-utf-8",
		[GW_JSON_FAULT_CONTROL] = "control-character",
		[GW_JSON_FAULT_ESCAPE] = "bad-escape",
		[GW_JSON_FAULT_SURROGATE] = "lone-surrogate",
		[GW_JSON_FAULT_NUMBER] = "bad-number",
		[GW_JSON_FAULT_DUPLICATE] = "duplicate-member",
		[GW_JSON_FAULT_DEPTH] = "too-deep",
		[GW_JSON_FAULT_SIZE] = "too-many-values",
		[GW_JSON_FAULT_MEMORY] = "out-of-memory",
	};

	return (size_t)fault < ARRAY_SIZE(names) ? names[fault] : "none";
}

static void out_of_memory(struct gw_json_error *error)
{
	if (!error)
		return;

	*error = (struct gw_json_error){
		.fault = GW_JSON_FAULT_MEMORY,
		.line = 1,
		.column = 1,
		.text = "out of memory",
	};
}

/* Parsing ---------------------------------------------------------------- */

static void wipe_strings(cJSON *node)
{
	for (; node; node = node->next) {
		if (node->valuestring)
			explicit_bzero(node->valuestring,
				       strlen(node->valuestring));
		wipe_strings(node->child);
	}
}

static void doc_destructor(void *arg)
{
	struct gw_json_doc *doc = arg;

	if (doc->text) {
		explicit_bzero(doc->text, doc->len);
		wipe_strings(doc->root);
	}

	cJSON_Delete(doc->root);
	mem_deref(doc->text);
}

static int keep_text(struct gw_json_doc *doc, const char *text, size_t len)
{
	doc->text = mem_alloc(len + 1, NULL);
	if (!doc->text)
		return ENOMEM;

	if (len)
		memcpy(doc->text, text, len);
	doc->text[len] = '\0';
	doc->len = len;
	return 0;
}

static int build(struct gw_json_doc *doc, const struct gw_json_scan *scan,
		 struct gw_json_error *error)
{
	int err;

	err = gw_json_scan(scan, NULL, error);
	if (err)
		return err;

	doc->root = cJSON_ParseWithLength(scan->text, scan->len);
	return doc->root ? 0 : ENOMEM;
}

int gw_json_parse(struct gw_json_doc **docp, const char *text, size_t len,
		  unsigned flags, struct gw_json_error *error)
{
	struct gw_json_scan scan = { .text = text, .len = len, .flags = flags };
	struct gw_json_doc *doc;
	int err = 0;

	doc = mem_zalloc(sizeof(*doc), doc_destructor);
	if (!doc) {
		err = ENOMEM;
		goto out;
	}

	if (flags & GW_JSON_FILE) {
		err = keep_text(doc, text, len);
		if (err)
			goto out;
		scan.text = scan.blank = doc->text;
	}

	err = build(doc, &scan, error);
	if (err)
		goto out;

	*docp = doc;

out:
	if (err)
		mem_deref(doc);
	if (err == ENOMEM)
		out_of_memory(error);
	return err;
}

/* Walking about ---------------------------------------------------------- */

static const cJSON *node_of(const struct gw_json *value)
{
	return (const cJSON *)(const void *)value;
}

static const struct gw_json *value_of(const cJSON *node)
{
	return (const struct gw_json *)(const void *)node;
}

static bool is_container(const struct gw_json *value)
{
	return gw_json_type(value) >= GW_JSON_ARRAY;
}

const struct gw_json *gw_json_root(const struct gw_json_doc *doc)
{
	return doc ? value_of(doc->root) : NULL;
}

enum gw_json_type gw_json_type(const struct gw_json *value)
{
	if (!value)
		return GW_JSON_NONE;

	switch (node_of(value)->type & 0xff) {
	case cJSON_False:
	case cJSON_True:
		return GW_JSON_BOOL;
	case cJSON_Number:
		return GW_JSON_NUMBER;
	case cJSON_String:
		return GW_JSON_STRING;
	case cJSON_Array:
		return GW_JSON_ARRAY;
	case cJSON_Object:
		return GW_JSON_OBJECT;
	default:
		return GW_JSON_NULL;
	}
}

const char *gw_json_type_name(enum gw_json_type type)
{
	static const char *const names[] = {
		[GW_JSON_NONE] = "nothing",       [GW_JSON_NULL] = "null",
		[GW_JSON_BOOL] = "true or false", [GW_JSON_NUMBER] = "a number",
		[GW_JSON_STRING] = "a string",    [GW_JSON_ARRAY] = "an array",
		[GW_JSON_OBJECT] = "an object",
	};

	return (size_t)type < ARRAY_SIZE(names) ? names[type] : "nothing";
}

const struct gw_json *gw_json_get(const struct gw_json *object,
				  const char *name)
{
	const cJSON *node;

	if (gw_json_type(object) != GW_JSON_OBJECT)
		return NULL;

	for (node = node_of(object)->child; node; node = node->next) {
		if (!strcmp(node->string, name))
			return value_of(node);
	}

	return NULL;
}

const struct gw_json *gw_json_first(const struct gw_json *container)
{
	return is_container(container) ? value_of(node_of(container)->child) :
					 NULL;
}

const struct gw_json *gw_json_next(const struct gw_json *value)
{
	return value ? value_of(node_of(value)->next) : NULL;
}

size_t gw_json_count(const struct gw_json *container)
{
	const struct gw_json *value;
	size_t count = 0;

	for (value = gw_json_first(container); value;
	     value = gw_json_next(value))
		++count;

	return count;
}

const char *gw_json_name(const struct gw_json *value)
{
	return value ? node_of(value)->string : NULL;
}

/* What values say -------------------------------------------------------- */

const char *gw_json_string(const struct gw_json *value)
{
	return gw_json_type(value) == GW_JSON_STRING ?
		       node_of(value)->valuestring :
		       NULL;
}

const char *gw_json_string_len(const struct gw_json *value, size_t *lenp)
{
	const char *str = gw_json_string(value);

	if (lenp)
		*lenp = str ? strlen(str) : 0;

	return str;
}

int gw_json_int(int64_t *vp, const struct gw_json *value, int64_t min,
		int64_t max)
{
	int64_t v;
	double d;

	if (gw_json_type(value) != GW_JSON_NUMBER)
		return EINVAL;

	d = node_of(value)->valuedouble;
	if (fabs(d) > (double)GW_JSON_INT_MAX)
		return ERANGE;

	v = (int64_t)d;
	if ((double)v < d || (double)v > d)
		return EDOM;
	if (v < min || v > max)
		return ERANGE;

	*vp = v;
	return 0;
}

int gw_json_bool(bool *vp, const struct gw_json *value)
{
	if (gw_json_type(value) != GW_JSON_BOOL)
		return EINVAL;

	*vp = (node_of(value)->type & 0xff) == cJSON_True;
	return 0;
}

int gw_json_double(double *vp, const struct gw_json *value)
{
	if (gw_json_type(value) != GW_JSON_NUMBER)
		return EINVAL;

	*vp = node_of(value)->valuedouble;
	return 0;
}

/* Telling people where --------------------------------------------------- */

/* Looks for want in and below value; *numberp counts the values met so far. */
static bool number_of(const struct gw_json *value, const struct gw_json *want,
		      uint32_t *numberp)
{
	const struct gw_json *inner;

	++*numberp;
	if (value == want)
		return true;

	for (inner = gw_json_first(value); inner; inner = gw_json_next(inner)) {
		if (number_of(inner, want, numberp))
			return true;
	}

	return false;
}

uint32_t gw_json_line(const struct gw_json_doc *doc,
		      const struct gw_json *value)
{
	struct gw_json_error error;
	struct gw_json_scan scan;
	uint32_t number = 0;
	size_t place = 0;

	if (!doc || !doc->text || !value ||
	    !number_of(gw_json_root(doc), value, &number))
		return 0;

	scan = (struct gw_json_scan){
		.text = doc->text,
		.len = doc->len,
		.find = number,
	};
	if (gw_json_scan(&scan, &place, NULL))
		return 0;

	gw_json_place(&error, doc->text, place);
	return error.line;
}
