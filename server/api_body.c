/* Small bodies: see api_body.h. */
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/api_body.h"
#include "server/clock.h"
#include "server/http.h"

static const struct gw_json *member(struct gw_body *b, const char *name)
{
	if (b->known_count < ARRAY_SIZE(b->known))
		b->known[b->known_count++] = name;
	return gw_json_get(b->root, name);
}

void gw_body_fault(struct gw_body *b, const char *name, const char *detail)
{
	char pointer[GW_JSON_POINTER_SIZE] = "";

	if (*name)
		(void)gw_json_pointer_add(pointer, sizeof(pointer), name);
	gw_http_problem_add(b->req, pointer, detail);
	b->wrong = true;
}

const char *gw_body_text(struct gw_body *b, const char *name, size_t max,
			 bool needed)
{
	const struct gw_json *v = member(b, name);
	const char *text = gw_json_string(v);
	const size_t len = text ? strlen(text) : 0;
	size_t i = 0;

	if ((!v || gw_json_type(v) == GW_JSON_NULL) && !needed)
		return NULL;
	while (i < len && text[i] > 0x20 && text[i] < 0x7f)
		i++;
	if (len && i == len && len <= max)
		return text;
	gw_body_fault(b, name,
		      v ? "must be a string of visible ASCII characters" :
			  "is missing");
	return NULL;
}

uint32_t gw_body_number(struct gw_body *b, const char *name, uint32_t otherwise,
			uint32_t max)
{
	const struct gw_json *v = member(b, name);
	const char *text = gw_json_string(v);
	int64_t number = otherwise;
	char *end;

	if (!v || gw_json_type(v) == GW_JSON_NULL)
		return otherwise;
	if (gw_http_is_form(b->req) && text && *text) {
		number = strtol(text, &end, 10);
		number = *end ? 0 : number;
	} else if (gw_json_int(&number, v, 1, max)) {
		number = 0;
	}
	if (number >= 1 && number <= max)
		return (uint32_t)number;
	gw_body_fault(b, name, "is out of range");
	return otherwise;
}

bool gw_body_bool(struct gw_body *b, const char *name, bool needed)
{
	const struct gw_json *v = member(b, name);
	const char *text = gw_json_string(v);
	bool value = false;

	if (!v && !needed)
		return false;
	if (gw_http_is_form(b->req) && text &&
	    (!strcmp(text, "true") || !strcmp(text, "false")))
		return !strcmp(text, "true");
	if (gw_json_bool(&value, v))
		gw_body_fault(b, name,
			      v ? "must be true or false" : "is missing");
	return value;
}

int64_t gw_body_time(struct gw_body *b, const char *name)
{
	const char *text = gw_body_text(b, name, GW_CLOCK_LEN + 8, false);
	int64_t at_ms = 0;

	if (text && !gw_clock_read(&at_ms, text))
		gw_body_fault(b, name,
			      "must be a time such as 2026-11-22T05:00:00Z");
	return at_ms;
}

bool gw_body_is_right(struct gw_body *b)
{
	const struct gw_json *m;

	if (b->root && gw_json_type(b->root) != GW_JSON_OBJECT)
		gw_body_fault(b, "", "must be an object");
	for (m = gw_json_first(b->root); m; m = gw_json_next(m)) {
		size_t i = 0;

		while (i < b->known_count && gw_json_name(m) &&
		       strcmp(gw_json_name(m), b->known[i]) != 0)
			i++;
		if (i == b->known_count && gw_json_name(m))
			gw_body_fault(b, gw_json_name(m),
				      "is not a member here");
	}
	if (b->wrong)
		gw_http_problem(b->req, 422, "invalid_body",
				"The body was read, but something in it is "
				"wrong; nothing was done.");
	return !b->wrong;
}
