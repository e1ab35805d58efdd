/* Overrides by environment, for containers: which variable means which setting,
 * what its text would be in the file, and setting it. The name follows from the
 * pointer, letter by letter: /lines/0/caller_id/name is
 * BELLPULL_LINES_0_CALLER_ID_NAME. */
#include "config/config_load.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <re_types.h>
#include <re_mbuf.h>
#include <re_mem.h>

#include "config/config_table.h"
#include "config/json.h"
#include "config/secret.h"

/* One variable of the environment that overrides a setting. */
struct override {
	char variable[96]; /* its name, cut if it is none of ours           */
	const struct gw_config_row *row;
	size_t number;     /* of the line or key; 0 elsewhere               */
	char pointer[128]; /* "/lines/0/user"                               */
	const char *text;  /* what it says; lives with the environment      */
};

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

/* Reads "NAME=VALUE". False if no setting has that variable; then only variable
 * is set. */
static bool read_override(struct override *o, const char *entry)
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
		/* a name is no number, and its case would be lost */
		if (strstr(row->pointer, "/NAME/"))
			continue;
		if (matches(o->variable, row->pointer, &o->number))
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

/* Appends what the setting would be in the file. */
static int override_json(struct mbuf *mb, const struct override *o)
{
	const struct gw_config_row *row = o->row;
	const char *text = o->text;

	if (!*text && row->nullable)
		return mbuf_write_str(mb, "null");

	switch (row->type) {
	case GW_CONFIG_STRINGS:
	case GW_CONFIG_SECRETS:
	case GW_CONFIG_HTTP_LISTENS:
	case GW_CONFIG_SIP_LISTENS:
		return list_json(mb, text);

	case GW_CONFIG_INTS:
		if (text[strspn(text, "0123456789, ")])
			break;
		return mbuf_printf(mb, "[%s]", text);

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

/* Trying one ---------------------------------------------------------------- */

int gw_config_try(const char *pointer, const char *text, char *why, size_t size)
{
	const struct gw_config_row *row = NULL;
	struct override o = { .text = text };
	struct gw_json_doc *doc = NULL;
	uint64_t scratch[64] = { 0 };
	struct mbuf *mb;
	int err;

	while ((row = gw_config_row_next(row, "/")) &&
	       strcmp(row->pointer, pointer) != 0)
		;
	if (!row || row->offset + 64 > sizeof(scratch))
		return EINVAL;
	o.row = row;
	mb = mbuf_alloc(256);
	err = mb ? override_json(mb, &o) : ENOMEM;
	if (!err)
		err = gw_json_parse(&doc, (char *)mb->buf, mb->end,
				    GW_JSON_FILE | GW_JSON_API, NULL);
	if (err)
		(void)snprintf(why, size, "cannot be read");
	else
		err = gw_config_value_set(row, scratch, gw_json_root(doc), why,
					  size);
	gw_config_value_reset(row, scratch);
	mem_deref(doc);
	mem_deref(mb);
	return err;
}

/* Setting them -------------------------------------------------------------- */

/* A secret's variable holds the secret, unless it holds a reference. */
static void keep_secret(struct gw_config_loader *ld,
			const struct gw_config_row *row, void *base)
{
	struct gw_secret **secretp;
	char ref[128];

	if (row->type != GW_CONFIG_SECRET)
		return;

	secretp = (struct gw_secret **)(void *)((char *)base + row->offset);
	if (!*secretp || gw_secret_is_reference(*secretp))
		return;

	(void)snprintf(ref, sizeof(ref), "env:%s", ld->variable);
	*secretp = mem_deref(*secretp);
	if (gw_secret_alloc(secretp, ref))
		ld->no_memory = true;
}

static void apply(struct gw_config_loader *ld, const struct override *o,
		  void *base)
{
	struct gw_json_error error;
	struct gw_json_doc *doc;
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(256);
	err = mb ? override_json(mb, o) : ENOMEM;
	if (!err) {
		err = gw_json_parse(&doc, (char *)mb->buf, mb->end,
				    GW_JSON_FILE | GW_JSON_API, &error);
		explicit_bzero(mb->buf, mb->size);
	}
	mem_deref(mb);

	if (err == EBADMSG) {
		gw_config_complain(ld, o->pointer, "cannot be read: %s",
				   error.text);
		return;
	}
	if (err) {
		ld->no_memory = true;
		return;
	}

	gw_config_set(ld, o->row, base, gw_json_root(doc), o->pointer);
	keep_secret(ld, o->row, base);
	mem_deref(doc);
}

/* Makes lines and keys that only the environment knows: the next number, as
 * often as there is one. */
static void grow_by_env(struct gw_config_loader *ld,
			const struct gw_config_group *g)
{
	struct override o;
	size_t count;
	char **entry;

	do {
		count = *gw_config_group_count(g, ld->cfg);
		for (entry = environ; *entry; entry++) {
			if (read_override(&o, *entry) &&
			    gw_config_group_of_row(o.row) == g &&
			    o.number == count)
				break;
		}

		if (*entry && count < g->max &&
		    gw_config_group_grow(g, ld->cfg, NULL))
			ld->no_memory = true;
	} while (*gw_config_group_count(g, ld->cfg) > count && !ld->no_memory);
}

static void set_by_variable(struct gw_config_loader *ld,
			    const struct override *o)
{
	const struct gw_config_group *g = gw_config_group_of_row(o->row);
	size_t count = g ? *gw_config_group_count(g, ld->cfg) : 0;

	if (!g)
		apply(ld, o, ld->cfg);
	else if (o->number < count)
		apply(ld, o, gw_config_group_at(g, ld->cfg, o->number));
	else
		gw_config_complain(ld, o->pointer,
				   "the number is too high: there are %zu, so "
				   "the next one is number %zu",
				   count, count);
}

static void read_variable(struct gw_config_loader *ld, const char *entry,
			  bool file_is_known)
{
	struct override o;

	if (read_override(&o, entry)) {
		ld->variable = o.variable;
		set_by_variable(ld, &o);
		ld->variable = NULL; /* o goes */
	} else if (file_is_known) {
		gw_config_check_stray(ld, entry);
	}
}

void gw_config_read_environment(struct gw_config_loader *ld)
{
	/* a file that is no JSON may refer to any variable */
	const bool file_is_known = ld->doc || !ld->errs->count;
	size_t i;
	char **entry;

	for (i = 0; i < gw_config_group_total; i++)
		grow_by_env(ld, &gw_config_groups[i]);

	for (entry = environ; *entry && !ld->no_memory; entry++) {
		if (!strncmp(*entry, "BELLPULL_", 9))
			read_variable(ld, *entry, file_is_known);
	}
}
