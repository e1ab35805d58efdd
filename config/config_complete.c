/* What is done when all sources have been read: what lines and keys take from
 * their surroundings, what is missing, the secrets, and how it all fits. */
#include "config/config_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re_types.h>
#include <re_mem.h>

#include "config/config_table.h"
#include "config/config_value.h"
#include "config/json.h"
#include "config/secret.h"

/* "/lines/0/password" */
static void member_pointer(char *buf, size_t size,
			   const struct gw_config_loader *ld,
			   const struct gw_config_group *g, size_t i,
			   const struct gw_config_row *row)
{
	size_t len;

	gw_config_group_pointer(buf, size, g, ld->cfg, i);
	len = strlen(buf);
	(void)snprintf(buf + len, size - len, "/%s",
		       row->pointer + strlen(g->prefix));
}

static void resolve_secret(struct gw_config_loader *ld,
			   const struct gw_config_row *row,
			   struct gw_secret *secret, const char *pointer)
{
	char why[GW_CONFIG_WHY_SIZE];
	int err;

	if (!secret)
		return;

	err = gw_secret_resolve(secret, ld->cfg->allow_inline, (size_t)row->min,
				why, sizeof(why));
	if (err == ENOMEM)
		ld->no_memory = true;
	else if (err)
		gw_config_complain(ld, pointer, "%s", why);
}

/* One secret, or each of a list. */
static void resolve_row(struct gw_config_loader *ld,
			const struct gw_config_row *row, char *base,
			const char *pointer)
{
	const struct gw_config_secrets *secrets;
	char element[GW_CONFIG_POINTER_SIZE + 24];
	size_t i;

	if (row->type == GW_CONFIG_SECRET) {
		resolve_secret(
			ld, row,
			*(struct gw_secret **)(void *)(base + row->offset),
			pointer);
		return;
	}
	secrets = (const void *)(base + row->offset);
	for (i = 0; i < secrets->count; i++) {
		(void)snprintf(element, sizeof(element), "%s/%zu", pointer, i);
		resolve_secret(ld, row, secrets->list[i], element);
	}
}

static void resolve_secrets(struct gw_config_loader *ld,
			    const struct gw_config_group *g)
{
	const struct gw_config_row *row = NULL;
	char pointer[GW_CONFIG_POINTER_SIZE];
	size_t i;

	while ((row = gw_config_row_next(row, g->prefix))) {
		if (row->type != GW_CONFIG_SECRET &&
		    row->type != GW_CONFIG_SECRETS)
			continue;

		for (i = 0; i < *gw_config_group_count(g, ld->cfg); i++) {
			char *base = gw_config_group_at(g, ld->cfg, i);

			member_pointer(pointer, sizeof(pointer), ld, g, i, row);
			resolve_row(ld, row, base, pointer);
		}
	}
}

/* Whether somebody tried to set it: then its error is told already. */
static bool was_tried(const struct gw_config_loader *ld, const char *pointer)
{
	char variable[GW_CONFIG_POINTER_SIZE];

	gw_config_variable(variable, sizeof(variable), pointer);
	return (ld->use_env && getenv(variable)) ||
	       gw_json_find(gw_json_root(ld->doc), pointer);
}

/* Rows without a default. All of them are pointers. */
static void check_required(struct gw_config_loader *ld,
			   const struct gw_config_group *g)
{
	const struct gw_config_row *row = NULL;
	char pointer[GW_CONFIG_POINTER_SIZE];
	size_t i;

	while ((row = gw_config_row_next(row, g->prefix))) {
		if (row->json_default)
			continue;

		for (i = 0; i < *gw_config_group_count(g, ld->cfg); i++) {
			char *base = gw_config_group_at(g, ld->cfg, i);

			if (*(void **)(void *)(base + row->offset))
				continue;
			member_pointer(pointer, sizeof(pointer), ld, g, i, row);
			if (!was_tried(ld, pointer))
				gw_config_complain(ld, pointer,
						   "is missing. %s", row->help);
		}
	}
}

/* Shares a string or list with another setting. */
static void *share(const void *p)
{
	return mem_ref((void *)(uintptr_t)p);
}

/* Key presses are no codec that anybody chooses: every list ends with them,
 * unless they stand in it. */
static int add_key_presses(struct gw_config_strings *codecs)
{
	static const char name[] = "telephone-event";
	size_t i;

	for (i = 0; i < codecs->count; i++) {
		if (!strcmp(codecs->list[i], name))
			return 0;
	}

	return gw_config_add_string(codecs, name);
}

static int complete_codecs(struct gw_config *cfg)
{
	size_t i;
	int err;

	err = add_key_presses(&cfg->media.codecs);

	for (i = 0; !err && i < cfg->line_count; i++) {
		struct gw_config_strings *codecs = &cfg->lines[i].codecs;

		if (codecs->count) {
			err = add_key_presses(codecs);
		} else {
			codecs->list = share(cfg->media.codecs.list);
			codecs->count = cfg->media.codecs.count;
		}
	}

	return err;
}

/* What a line takes from its surroundings. */
static void complete_lines(struct gw_config *cfg)
{
	bool has_default = false;
	size_t i;

	for (i = 0; i < cfg->line_count; i++) {
		struct gw_config_line *line = &cfg->lines[i];

		if (!line->name)
			line->name = share(line->user);
		if (!line->country)
			line->country = share(cfg->country);
		has_default |= line->is_default;
	}

	if (cfg->line_count && !has_default)
		cfg->lines[0].is_default = true;
}

static int name_keys(struct gw_config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->key_count; i++) {
		char *name;

		if (cfg->keys[i].name)
			continue;
		name = mem_alloc(32, NULL);
		if (!name)
			return ENOMEM;
		(void)snprintf(name, 32, "key-%zu", i);
		cfg->keys[i].name = name;
	}

	return 0;
}

void gw_config_complete(struct gw_config_loader *ld, bool first_run)
{
	struct gw_config *cfg = ld->cfg;
	size_t i;

	if (first_run && !cfg->line_count &&
	    !(ld->use_env && getenv("BELLPULL_SANDBOX")))
		cfg->sandbox = true;

	cfg->sip.ports_chosen = was_tried(ld, "/sip/listen");
	complete_lines(cfg);
	if (complete_codecs(cfg) || name_keys(cfg)) {
		ld->no_memory = true;
		return;
	}

	for (i = 0; i < gw_config_group_total; i++) {
		check_required(ld, &gw_config_groups[i]);
		resolve_secrets(ld, &gw_config_groups[i]);
	}
	gw_config_cross_check(cfg, ld);
}
