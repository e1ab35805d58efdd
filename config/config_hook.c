/* Hooks: what is written in a mapping and in conditions, and whether a profile has
 * the secrets it needs. What is wrong is told with the pointer of its place. */
#include <stdio.h>
#include <string.h>

#include <re_types.h>

#include "config/config.h"
#include "config/config_load.h"
#include "config/json.h"
#include "config/template.h"

/* Where we are: the hook, and the pointer that grows and shrinks on the way. */
struct place {
	struct gw_config_loader *ld;
	const struct gw_config_hook *hook;
	char pointer[GW_CONFIG_POINTER_SIZE];
};

/* "name" is appended to the pointer; what it was before comes back by leave(). */
static size_t enter(struct place *p, const char *name)
{
	const size_t len = strlen(p->pointer);

	(void)gw_json_pointer_add(p->pointer, sizeof(p->pointer), name);
	return len;
}

static size_t enter_number(struct place *p, size_t i)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%zu", i);
	return enter(p, number);
}

static void leave(struct place *p, size_t len)
{
	p->pointer[len] = '\0';
}

/* Mapping ------------------------------------------------------------------- */

static void check_lookup(struct place *p, const struct gw_template_filter *f)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%.*s", (int)f->arg_len, f->arg);
	if (f->kind == GW_FILTER_LOOKUP &&
	    !gw_json_get(gw_json_root(p->hook->tables), name))
		gw_config_complain(p->ld, p->pointer,
				   "there is no table called \"%s\" in the "
				   "hook's tables",
				   name);
}

static void check_text(struct place *p, const char *text)
{
	struct gw_template_part part;
	const char *why = NULL;

	while (!gw_template_next(&part, &text, &why))
		for (size_t i = 0; i < part.filter_count; i++)
			check_lookup(p, &part.filters[i]);
	if (why)
		gw_config_complain(p->ld, p->pointer, "%s", why);
}

/* The reader has bounded the depth. */
static void check_value(struct place *p, const struct gw_json *value)
{
	const struct gw_json *inner;
	size_t i = 0;

	if (gw_json_string(value))
		check_text(p, gw_json_string(value));
	for (inner = gw_json_first(value); inner; inner = gw_json_next(inner)) {
		const char *name = gw_json_name(inner);
		const size_t len = name ? enter(p, name) : enter_number(p, i++);

		check_value(p, inner);
		leave(p, len);
	}
}

static void check_mapping(struct place *p)
{
	const struct gw_json *mapping = gw_json_root(p->hook->mapping);
	const size_t len = enter(p, "mapping");

	if (mapping && !gw_json_get(mapping, "to"))
		gw_config_complain(p->ld, p->pointer,
				   "needs \"to\": whom to call");
	check_value(p, mapping);
	leave(p, len);
}

static void check_tables(struct place *p)
{
	const struct gw_json *table =
		gw_json_first(gw_json_root(p->hook->tables));
	const size_t len = enter(p, "tables");

	for (; table; table = gw_json_next(table)) {
		const struct gw_json *row = gw_json_first(table);
		const size_t inner = enter(p, gw_json_name(table));

		if (gw_json_type(table) != GW_JSON_OBJECT)
			gw_config_complain(p->ld, p->pointer,
					   "must be an object of strings");
		for (; row; row = gw_json_next(row))
			if (!gw_json_string(row))
				gw_config_complain(p->ld, p->pointer,
						   "must have strings only");
		leave(p, inner);
	}
	leave(p, len);
}

/* Conditions ---------------------------------------------------------------- */

static const char *check_condition(const struct gw_json *c)
{
	const char *ptr = gw_json_string(gw_json_get(c, "ptr"));
	const struct gw_json *in = gw_json_get(c, "in");
	const struct gw_json *exists = gw_json_get(c, "exists");
	const struct gw_json *prefix = gw_json_get(c, "prefix");
	bool flag;

	if (!ptr || !gw_pointer_ok(ptr, strlen(ptr)))
		return "needs \"ptr\", a JSON pointer like /type";
	if (gw_json_count(c) != 2 ||
	    !(in || exists || prefix || gw_json_get(c, "equals")))
		return "needs one of equals, in, exists and prefix beside ptr, "
		       "and nothing else";
	if (in && gw_json_type(in) != GW_JSON_ARRAY)
		return "needs a list in brackets for \"in\"";
	if (exists && gw_json_bool(&flag, exists))
		return "needs true or false for \"exists\"";
	if (prefix && !gw_json_string(prefix))
		return "needs a string for \"prefix\"";
	return NULL;
}

static void check_when(struct place *p)
{
	const struct gw_json *c = gw_json_first(gw_json_root(p->hook->when));
	const size_t len = enter(p, "when");

	for (size_t i = 0; c; c = gw_json_next(c), i++) {
		const char *why = check_condition(c);
		const size_t inner = enter_number(p, i);

		if (why)
			gw_config_complain(p->ld, p->pointer, "%s", why);
		leave(p, inner);
	}
	leave(p, len);
}

/* The hook ------------------------------------------------------------------- */

static void check_secrets(struct place *p)
{
	const struct gw_config_hook *hook = p->hook;
	const bool by_password = hook->profile &&
				 (!strcmp(hook->profile, "basic") ||
				  !strcmp(hook->profile, "pipedrive"));

	if (!hook->profile)
		return;
	if (by_password && (!hook->user || !hook->password))
		gw_config_complain(p->ld, p->pointer,
				   "needs user and password: %s asks for them",
				   hook->profile);
	else if (!by_password && !hook->secrets.count)
		gw_config_complain(p->ld, p->pointer,
				   "needs secrets: without one anybody could "
				   "place calls");
	if (by_password && hook->user && strchr(hook->user, ':'))
		gw_config_complain(
			p->ld, p->pointer,
			"has a colon in user, which Basic can't say");
}

static void check_lines(struct place *p, const struct gw_config *cfg)
{
	const size_t len = enter(p, "lines");

	for (size_t i = 0; i < p->hook->lines.count; i++) {
		const char *name = p->hook->lines.list[i];
		const size_t inner = enter_number(p, i);
		size_t k = 0;

		while (k < cfg->line_count &&
		       (!cfg->lines[k].name ||
			strcmp(cfg->lines[k].name, name) != 0))
			k++;
		if (k == cfg->line_count &&
		    !(cfg->sandbox && !strcmp(name, "sandbox")))
			gw_config_complain(p->ld, p->pointer,
					   "there is no line called \"%s\"",
					   name);
		leave(p, inner);
	}
	leave(p, len);
}

static void check_on_reject(struct place *p)
{
	const size_t len = enter(p, "on_reject");

	if (p->hook->on_reject != 200 && p->hook->on_reject != 422)
		gw_config_complain(p->ld, p->pointer, "must be 200 or 422");
	leave(p, len);
}

void gw_config_check_hooks(const struct gw_config *cfg,
			   struct gw_config_loader *ld)
{
	for (size_t i = 0; i < cfg->hook_count; i++) {
		struct place p = { .ld = ld, .hook = &cfg->hooks[i] };

		(void)snprintf(p.pointer, sizeof(p.pointer), "/hooks");
		(void)enter(&p, p.hook->name);
		check_secrets(&p);
		check_mapping(&p);
		check_tables(&p);
		check_when(&p);
		check_on_reject(&p);
		check_lines(&p, cfg);
	}
}
