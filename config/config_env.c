/* Overrides by environment, for containers: which variable means which setting,
 * and what its text would be in the file. The name follows from the pointer,
 * letter by letter: /lines/0/caller_id/name is BELLPULL_LINES_0_CALLER_ID_NAME. */
#include "config/config_load.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re_types.h>
#include <re_mbuf.h>

#include "config/config_table.h"
#include "config/json.h"

/* Which rows have variables: all that can be set. */
static bool has_variable(const struct gw_config_row *row)
{
	return row->type != GW_CONFIG_LATER;
}

/* Whether name is pattern's variable, with any number in the place of its N.
 * Both are walked side by side. */
static bool matches(const char *name, const char *pattern, size_t *numberp)
{
	static const char prefix[] = "BELLPULL_";
	const char *p = pattern + 1;

	*numberp = 0;
	if (strncmp(name, prefix, sizeof(prefix) - 1))
		return false;
	name += sizeof(prefix) - 1;

	for (; *p; p++) {
		if (*p == 'N') {
			size_t digits = strspn(name, "0123456789");

			if (!digits || digits > 4 ||
			    (digits > 1 && *name == '0'))
				return false;
			*numberp = (size_t)atoi(name);
			name += digits;
			continue;
		}
		if (*name != (*p == '/' ? '_' : toupper((unsigned char)*p)))
			return false;
		++name;
	}

	return !*name;
}

bool gw_config_override_read(struct gw_config_override *o, const char *entry)
{
	const struct gw_config_row *row = NULL;
	size_t len = strcspn(entry, "=");
	const char *n;

	memset(o, 0, sizeof(*o));
	(void)snprintf(o->variable, sizeof(o->variable), "%.*s", (int)len,
		       entry);
	if (!entry[len] || len >= sizeof(o->variable))
		return false;

	while ((row = gw_config_row_next(row, "/"))) {
		if (has_variable(row) &&
		    matches(o->variable, row->pointer, &o->number))
			break;
	}
	if (!row)
		return false;

	o->row = row;
	o->text = entry + len + 1;
	n = strstr(row->pointer, "/N/");
	if (n)
		(void)snprintf(o->pointer, sizeof(o->pointer), "%.*s/%zu/%s",
			       (int)(n - row->pointer), row->pointer, o->number,
			       n + 3);
	else
		(void)snprintf(o->pointer, sizeof(o->pointer), "%s",
			       row->pointer);
	return true;
}

/* A misspelt variable would silently not count. But programs that start us set
 * variables of their own by our name (BELLPULL_PORT=tcp://10.0.0.7:8080 in a
 * cluster), so only what is nearly a setting is taken for one. */
const char *gw_config_override_hint(const struct gw_config_override *o)
{
	static _Thread_local char variable[sizeof(o->variable)];
	const struct gw_config_row *row = NULL;
	const char *names[] = { variable, NULL };

	while ((row = gw_config_row_next(row, "/"))) {
		if (!has_variable(row) || strstr(row->pointer, "/N/"))
			continue;
		gw_config_variable(variable, sizeof(variable), row->pointer);
		if (gw_config_nearest(o->variable, names))
			return variable;
	}

	return NULL;
}

static int list_json(struct mbuf *mb, const char *text)
{
	int err;

	err = mbuf_write_u8(mb, '[');
	while (*text && !err) {
		size_t len;

		text += strspn(text, " \t");
		len = strcspn(text, ",");
		while (len && strchr(" \t", text[len - 1]))
			--len;

		err = gw_json_print_string(mb, text, len);
		text += strcspn(text, ",");
		if (!err && *text == ',') {
			++text;
			err = mbuf_write_u8(mb, ',');
			/* "a," is a list of two, of which one is empty */
			if (!err && !text[strspn(text, " \t")])
				err = mbuf_write_str(mb, "\"\"");
		}
	}

	return err ? err : mbuf_write_u8(mb, ']');
}

static const char *bool_json(const char *text)
{
	if (!strcmp(text, "true") || !strcmp(text, "1"))
		return "true";
	if (!strcmp(text, "false") || !strcmp(text, "0"))
		return "false";
	return NULL;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) &&
	       strlen(text) <= 15;
}

int gw_config_override_json(struct mbuf *mb, const struct gw_config_override *o)
{
	const struct gw_config_row *row = o->row;
	const char *text = o->text;

	if (!*text && row->nullable)
		return mbuf_write_str(mb, "null");

	switch (row->type) {
	case GW_CONFIG_STRINGS:
	case GW_CONFIG_HTTP_LISTENS:
	case GW_CONFIG_SIP_LISTENS:
		return list_json(mb, text);

	case GW_CONFIG_INT:
	case GW_CONFIG_PORT:
		if (is_number(text))
			return mbuf_write_str(mb, text);
		break;

	case GW_CONFIG_BOOL:
		if (!row->words && bool_json(text))
			return mbuf_write_str(mb, bool_json(text));
		break;

	default:
		break;
	}

	/* what doesn't fit is a string, and refused as such with its type */
	return gw_json_print_string(mb, text, strlen(text));
}
