/* Loading a configuration: defaults, then the file, then the environment, then
 * the checks. Everything that is wrong is gathered and told at once.
 *
 *   config_file.c     the file           config_table.c   the rows
 *   config_env.c      variables          config_value.c   one value to one row
 *   config_complete.c what is missing    config_list.c    a list to one row
 *   config_check.c    how it all fits    config_form.c    forms of strings
 *   config_hint.c     did you mean       config_group.c   lines and keys
 *   config_stray.c    nobody's variables  secret.c         secrets by reference
 *   config_help.c     for people
 *   config_reload.c   what changes in flight  config_share.c   two values alike */
#include "config/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re_types.h>
#include <re_mem.h>

#include "config/config_load.h"
#include "config/config_table.h"
#include "config/json.h"

static void config_destructor(void *arg)
{
	struct gw_config *cfg = arg;
	size_t i, j;

	for (i = 0; i < gw_config_group_total; i++) {
		const struct gw_config_group *g = &gw_config_groups[i];

		for (j = 0; j < *gw_config_group_count(g, cfg); j++)
			gw_config_group_reset(g, gw_config_group_at(g, cfg, j));
		mem_deref(*gw_config_group_array(g, cfg));
	}

	gw_config_group_reset(NULL, cfg);
}

/* Complaints ------------------------------------------------------------- */

/* Where pointer, or what lies around it, stands in the file. */
static uint32_t line_of(const struct gw_config_loader *ld, const char *pointer)
{
	const struct gw_json *value;
	char buf[GW_CONFIG_POINTER_SIZE], *slash;

	if (!ld->doc)
		return 0;

	(void)snprintf(buf, sizeof(buf), "%s", pointer);
	while (!(value = gw_json_find(gw_json_root(ld->doc), buf))) {
		slash = strrchr(buf, '/');
		if (!slash)
			return 0;
		*slash = '\0';
	}

	return *buf ? gw_json_line(ld->doc, value) : 0;
}

static void name_source(const struct gw_config_loader *ld,
			struct gw_config_error *e)
{
	char variable[sizeof(e->variable)];

	if (ld->variable) {
		(void)snprintf(e->variable, sizeof(e->variable), "%s",
			       ld->variable);
		return;
	}

	gw_config_variable(variable, sizeof(variable), e->pointer);
	if (ld->use_env && getenv(variable))
		memcpy(e->variable, variable, sizeof(variable));
	else
		e->line = line_of(ld, e->pointer);
}

void gw_config_complain(struct gw_config_loader *ld, const char *pointer,
			const char *fmt, ...)
{
	struct gw_config_errors *errs = ld->errs;
	struct gw_config_error *e;
	va_list ap;

	if (errs->count == ARRAY_SIZE(errs->list)) {
		++errs->more;
		return;
	}

	e = &errs->list[errs->count++];
	memset(e, 0, sizeof(*e));
	(void)snprintf(e->pointer, sizeof(e->pointer), "%s", pointer);
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	name_source(ld, e);
}

void gw_config_set(struct gw_config_loader *ld, const struct gw_config_row *row,
		   void *base, const struct gw_json *value, const char *pointer)
{
	char why[GW_CONFIG_WHY_SIZE];
	int err;

	err = gw_config_value_set(row, base, value, why, sizeof(why));
	if (err == ENOMEM)
		ld->no_memory = true;
	else if (err)
		gw_config_complain(ld, pointer, "%s", why);
}

static bool failed(const struct gw_config_loader *ld)
{
	return ld->no_memory || ld->errs->count;
}

/* Where the settings come from. */
struct sources {
	const char *path; /* or NULL */
	const char *text; /* or NULL */
	size_t len;
	bool use_env;
};

static int load(struct gw_config **cfgp, const struct sources *from,
		struct gw_config_errors *errs)
{
	struct gw_config_loader ld = { .errs = errs, .use_env = from->use_env };
	int err;

	memset(errs, 0, sizeof(*errs));
	ld.cfg = mem_zalloc(sizeof(*ld.cfg), config_destructor);
	if (!ld.cfg)
		return ENOMEM;

	ld.no_memory = gw_config_group_default(NULL, ld.cfg) != 0;

	if (from->path && !failed(&ld))
		gw_config_read_file(&ld, from->path);
	if (from->text && !failed(&ld))
		gw_config_read_text(&ld, from->text, from->len);
	if (from->use_env && !ld.no_memory)
		gw_config_read_environment(&ld);

	/* a file that is no JSON says nothing about what is missing */
	if (!ld.no_memory && (ld.doc || !errs->count))
		gw_config_complete(&ld, !from->path && !from->text);

	err = ld.no_memory ? ENOMEM : errs->count ? EINVAL : 0;
	if (err)
		mem_deref(ld.cfg);
	else
		*cfgp = ld.cfg;
	mem_deref(ld.doc);
	return err;
}

int gw_config_load(struct gw_config **cfgp, const char *path,
		   struct gw_config_errors *errs)
{
	return load(cfgp, &(struct sources){ .path = path, .use_env = true },
		    errs);
}

int gw_config_parse(struct gw_config **cfgp, const char *text, size_t len,
		    struct gw_config_errors *errs)
{
	return load(cfgp, &(struct sources){ .text = text, .len = len }, errs);
}

int gw_config_default(struct gw_config **cfgp)
{
	struct gw_config_errors errs;

	return load(cfgp, &(struct sources){ .path = NULL }, &errs);
}
