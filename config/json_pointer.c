/* JSON pointers (RFC 6901): to a value, and from one. */
#include "config/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/json_name.h"

/* One step of a pointer, from behind its slash to len, against a name. */
static bool step_is(const char *step, size_t len, const char *name)
{
	size_t i = 0;

	for (; i < len && *name; i++, name++) {
		char c = step[i];

		if (c == '~') {
			if (++i >= len || (step[i] != '0' && step[i] != '1'))
				return false;
			c = step[i] == '0' ? '~' : '/';
		}
		if (c != *name)
			return false;
	}

	return i == len && !*name;
}

static const struct gw_json *array_step(const struct gw_json *array,
					const char *step, size_t len)
{
	const struct gw_json *value;
	char number[12];
	uint32_t i = 0;

	for (value = gw_json_first(array); value;
	     value = gw_json_next(value), i++) {
		(void)snprintf(number, sizeof(number), "%u", i);
		if (step_is(step, len, number))
			return value;
	}

	return NULL;
}

static const struct gw_json *object_step(const struct gw_json *object,
					 const char *step, size_t len)
{
	const struct gw_json *value;

	for (value = gw_json_first(object); value;
	     value = gw_json_next(value)) {
		if (step_is(step, len, gw_json_name(value)))
			return value;
	}

	return NULL;
}

const struct gw_json *gw_json_find(const struct gw_json *value,
				   const char *pointer)
{
	while (value && *pointer) {
		size_t len;

		if (*pointer++ != '/')
			return NULL;

		len = strcspn(pointer, "/");
		value = gw_json_type(value) == GW_JSON_ARRAY ?
				array_step(value, pointer, len) :
				object_step(value, pointer, len);
		pointer += len;
	}

	return value;
}

/* Appends the way from value down to want. Returns ENOENT if there is none. */
static int way_to(char *buf, size_t size, const struct gw_json *value,
		  const struct gw_json *want)
{
	const struct gw_json *inner;
	size_t len = strlen(buf);
	uint32_t i = 0;
	bool fits;
	int err;

	if (value == want)
		return 0;

	for (inner = gw_json_first(value); inner;
	     inner = gw_json_next(inner), i++) {
		if (gw_json_name(inner))
			fits = !gw_json_pointer_add(buf, size,
						    gw_json_name(inner));
		else
			fits = gw_json_step_index(buf, size, i);

		err = way_to(buf, size, inner, want);
		if (err != ENOENT)
			return fits ? err : EOVERFLOW;
		buf[len] = '\0';
	}

	return ENOENT;
}

int gw_json_pointer(char *buf, size_t size, const struct gw_json_doc *doc,
		    const struct gw_json *value)
{
	if (!size)
		return EOVERFLOW;

	buf[0] = '\0';
	if (!doc || !value)
		return ENOENT;

	return way_to(buf, size, gw_json_root(doc), value);
}

int gw_json_pointer_add(char *buf, size_t size, const char *name)
{
	struct gw_json_name step = { .raw = name, .len = strlen(name) };

	return gw_json_step_name(buf, size, &step) ? 0 : EOVERFLOW;
}
