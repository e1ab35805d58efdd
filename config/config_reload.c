/* A new configuration for a process that runs: what counts at once, and what
 * stays as it was at the start.
 *
 * What can't change in flight is taken over from the old configuration: its values
 * are shared, not copied, so a pointer to such a setting stays good however often
 * the configuration is read again. A group (lines, keys) goes as a whole. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re_types.h>
#include <re_mem.h>

#include "config/config.h"
#include "config/config_load.h"
#include "config/config_table.h"
#include "config/config_value.h"

/* The longest beginning of a pointer decides; what isn't named here needs a
 * restart. Keep it in step with who reads a setting when: a value that is copied
 * at the start doesn't change in flight. */
static const struct rule {
	const char *pointer;
	bool in_flight;
} rules[] = {
	{ "/http", true },
	{ "/http/listen", false },
	{ "/http/heartbeat_s", false },
	{ "/media/recording_tone", true },
	{ "/media/stall_s", true },
	{ "/log", true },
	{ "/drain_s", true },
	{ "/decline_status", true },
	{ "/allow_inline", true },
	{ "/policy", true },
	{ "/keys", true },
	{ "/hooks", true }, /* so no group of named ones is ever kept */
	{ "/limits", true },
	{ "/limits/connections", false },
	{ "/limits/connections_per_ip", false },
	{ "/limits/idempotency_hours", false },
};

static bool begins(const char *pointer, const char *with)
{
	const size_t len = strlen(with);

	return !strncmp(pointer, with, len) &&
	       (!pointer[len] || pointer[len] == '/');
}

bool gw_config_in_flight(const char *pointer)
{
	const struct rule *best = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (begins(pointer, rules[i].pointer) &&
		    (!best || strlen(rules[i].pointer) > strlen(best->pointer)))
			best = &rules[i];
	}

	return best && best->in_flight;
}

/* Who keeps what. */
struct keeper {
	struct gw_config *cfg;
	const struct gw_config *old;
	gw_config_kept_h *kepth;
	void *arg;
};

static void tell(const struct keeper *k, const char *pointer)
{
	if (k->kepth)
		k->kepth(pointer, k->arg);
}

/* Whether all rows of a group say the same of two of its structs. */
static bool same_member(const struct gw_config_group *g, const void *a,
			const void *b)
{
	const struct gw_config_row *row = NULL;

	while ((row = gw_config_row_next(row, g->prefix))) {
		if (!gw_config_value_same(row, a, b))
			return false;
	}

	return true;
}

/* Names each member that was changed, added or removed. */
static void tell_group(const struct keeper *k, const struct gw_config_group *g)
{
	struct gw_config *old = (struct gw_config *)(uintptr_t)k->old;
	const size_t now = *gw_config_group_count(g, k->cfg);
	const size_t before = *gw_config_group_count(g, old);
	char pointer[64];

	for (size_t i = 0; i < MAX(now, before); i++) {
		if (i < now && i < before &&
		    same_member(g, gw_config_group_at(g, k->cfg, i),
				gw_config_group_at(g, old, i)))
			continue;
		(void)snprintf(pointer, sizeof(pointer), "%s/%zu", g->pointer,
			       i);
		tell(k, pointer);
	}
}

static int keep_group(const struct keeper *k, const struct gw_config_group *g)
{
	struct gw_config *old = (struct gw_config *)(uintptr_t)k->old;
	const size_t count = *gw_config_group_count(g, old);
	const struct gw_config_row *row = NULL;
	char *array;

	array = mem_zalloc((count + 1) * g->size, NULL);
	if (!array)
		return ENOMEM;

	while ((row = gw_config_row_next(row, g->prefix))) {
		for (size_t i = 0; i < count; i++)
			gw_config_value_share(row, array + i * g->size,
					      gw_config_group_at(g, old, i));
	}

	for (size_t i = 0; i < *gw_config_group_count(g, k->cfg); i++)
		gw_config_group_reset(g, gw_config_group_at(g, k->cfg, i));
	mem_deref(*gw_config_group_array(g, k->cfg));
	*gw_config_group_array(g, k->cfg) = array;
	*gw_config_group_count(g, k->cfg) = count;
	return 0;
}

/* HTTP can't become HTTPS, or the other way round: the listeners are one or the
 * other. Another certificate for the same listeners is fine. */
static bool keeps_plain(const struct keeper *k, const char *pointer)
{
	return (!strcmp(pointer, "/http/certificate") ||
		!strcmp(pointer, "/http/key")) &&
	       !k->cfg->http.certificate != !k->old->http.certificate;
}

static void keep_row(const struct keeper *k, const struct gw_config_row *row)
{
	if (!gw_config_value_same(row, k->cfg, k->old))
		tell(k, row->pointer);
	gw_config_value_reset(row, k->cfg);
	gw_config_value_share(row, k->cfg, k->old);
}

/* The two of http belong together: asked before either is taken over. */
static void keep_rows(const struct keeper *k)
{
	const struct gw_config_row *row = NULL, *certificate[2];
	size_t count = 0;

	while ((row = gw_config_row_next(row, "/"))) {
		if (gw_config_group_of_row(row))
			continue;
		if (!gw_config_in_flight(row->pointer))
			keep_row(k, row);
		else if (keeps_plain(k, row->pointer) &&
			 count < ARRAY_SIZE(certificate))
			certificate[count++] = row;
	}
	while (count)
		keep_row(k, certificate[--count]);
	k->cfg->sip.ports_chosen = k->old->sip.ports_chosen;
}

int gw_config_keep(struct gw_config *cfg, const struct gw_config *old,
		   gw_config_kept_h *kepth, void *arg)
{
	const struct keeper k = { cfg, old, kepth, arg };

	for (size_t i = 0; i < gw_config_group_total; i++) {
		const struct gw_config_group *g = &gw_config_groups[i];

		if (gw_config_in_flight(g->pointer))
			continue;
		tell_group(&k, g);
		if (keep_group(&k, g))
			return ENOMEM;
	}
	keep_rows(&k);

	return 0;
}
