/* Lines, keys, rules and limits: arrays of objects, each with a struct of its own, that grow by
 * one with its defaults. In the table of settings an N stands for the number. Hooks are
 * an object of such objects, and NAME stands for the name. */
#include "config/config_load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re_types.h>
#include <re_mem.h>

#include "config/config_table.h"
#include "config/json.h"

const struct gw_config_group gw_config_groups[] = {
	{ "/lines", "/lines/N/", sizeof(struct gw_config_line),
	  offsetof(struct gw_config, lines),
	  offsetof(struct gw_config, line_count), GW_CONFIG_LINES_MAX, false },
	{ "/keys", "/keys/N/", sizeof(struct gw_config_key),
	  offsetof(struct gw_config, keys),
	  offsetof(struct gw_config, key_count), GW_CONFIG_KEYS_MAX, false },
	{ "/policy/rules", "/policy/rules/N/", sizeof(struct gw_config_rule),
	  offsetof(struct gw_config, policy.rules),
	  offsetof(struct gw_config, policy.rule_count), GW_CONFIG_RULES_MAX,
	  false },
	{ "/policy/limits", "/policy/limits/N/", sizeof(struct gw_config_limit),
	  offsetof(struct gw_config, policy.limits),
	  offsetof(struct gw_config, policy.limit_count), GW_CONFIG_LIMITS_MAX,
	  false },
	{ "/hooks", "/hooks/NAME/", sizeof(struct gw_config_hook),
	  offsetof(struct gw_config, hooks),
	  offsetof(struct gw_config, hook_count), GW_CONFIG_HOOKS_MAX, true },
	{ "/webhooks/endpoints", "/webhooks/endpoints/N/",
	  sizeof(struct gw_config_endpoint),
	  offsetof(struct gw_config, webhooks.endpoints),
	  offsetof(struct gw_config, webhooks.endpoint_count),
	  GW_CONFIG_ENDPOINTS_MAX, false },
};

const size_t gw_config_group_total = ARRAY_SIZE(gw_config_groups);

void **gw_config_group_array(const struct gw_config_group *g,
			     struct gw_config *cfg)
{
	return (void **)(void *)((char *)cfg + g->array);
}

size_t *gw_config_group_count(const struct gw_config_group *g,
			      struct gw_config *cfg)
{
	return (size_t *)(void *)((char *)cfg + g->count);
}

void *gw_config_group_at(const struct gw_config_group *g, struct gw_config *cfg,
			 size_t i)
{
	return (char *)*gw_config_group_array(g, cfg) + i * g->size;
}

const struct gw_config_group *gw_config_group_of_pointer(const char *pointer)
{
	size_t i;

	for (i = 0; i < gw_config_group_total; i++) {
		if (!strcmp(gw_config_groups[i].pointer, pointer))
			return &gw_config_groups[i];
	}

	return NULL;
}

const struct gw_config_group *
gw_config_group_of_row(const struct gw_config_row *row)
{
	size_t i;

	for (i = 0; i < gw_config_group_total; i++) {
		if (!strncmp(row->pointer, gw_config_groups[i].prefix,
			     strlen(gw_config_groups[i].prefix)))
			return &gw_config_groups[i];
	}

	return NULL;
}

int gw_config_group_default(const struct gw_config_group *g, void *base)
{
	const struct gw_config_row *row = NULL;
	int err;

	while ((row = gw_config_row_next(row, g ? g->prefix : "/"))) {
		if (gw_config_group_of_row(row) != g)
			continue;
		err = gw_config_value_default(row, base);
		if (err)
			return err;
	}

	return 0;
}

/* The name of a named one is its first member, and owned by it. */
static char **name_of(void *base)
{
	return base;
}

void gw_config_group_reset(const struct gw_config_group *g, void *base)
{
	const struct gw_config_row *row = NULL;

	if (g && g->named)
		*name_of(base) = mem_deref(*name_of(base));

	while ((row = gw_config_row_next(row, g ? g->prefix : "/"))) {
		if (gw_config_group_of_row(row) == g)
			gw_config_value_reset(row, base);
	}
}

void gw_config_group_pointer(char *buf, size_t size,
			     const struct gw_config_group *g,
			     struct gw_config *cfg, size_t i)
{
	if (!g->named) {
		(void)snprintf(buf, size, "%s/%zu", g->pointer, i);
		return;
	}
	(void)snprintf(buf, size, "%s", g->pointer);
	(void)gw_json_pointer_add(buf, size,
				  *name_of(gw_config_group_at(g, cfg, i)));
}

int gw_config_group_grow(const struct gw_config_group *g, struct gw_config *cfg,
			 const char *name)
{
	size_t count = *gw_config_group_count(g, cfg);
	char *array, *copy = NULL;

	array = mem_zalloc((count + 1) * g->size, NULL);
	if (g->named)
		copy = mem_zalloc(strlen(name) + 1, NULL);
	if (!array || (g->named && !copy)) {
		mem_deref(array);
		mem_deref(copy);
		return ENOMEM;
	}

	if (count)
		memcpy(array, *gw_config_group_array(g, cfg), count * g->size);
	if (copy) {
		memcpy(copy, name, strlen(name) + 1);
		*name_of(array + count * g->size) = copy;
	}
	mem_deref(*gw_config_group_array(g, cfg));
	*gw_config_group_array(g, cfg) = array;
	++*gw_config_group_count(g, cfg);

	return gw_config_group_default(g, array + count * g->size);
}
