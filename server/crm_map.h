/* From what a CRM said to what POST /calls takes: a hook's mapping, its conditions
 * and its list, as data. No loops and no code. The settings were checked when they
 * were loaded (config/config_hook.c).
 *
 * Pure: any thread. */
#ifndef BELLPULL_SERVER_CRM_MAP_H
#define BELLPULL_SERVER_CRM_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct gw_config_hook;
struct gw_faults;
struct gw_json;
struct gw_json_doc;
struct mbuf;

enum {
	GW_CRM_EACH_MAX = 100,
	GW_CRM_TEXT_MAX = 4096, /* bytes of one mapped text */
};

/* Do all conditions hold for value? */
bool gw_crm_holds(const struct gw_json *when, const struct gw_json *value);

/* How many calls there may be: the elements at pointer each; something else than a
 * list there is one. NULL: the whole is one. Returns 0, or EINVAL (faults say). */
int gw_crm_count(size_t *countp, const struct gw_json *tree, const char *each,
		 struct gw_faults *faults);
/* The i-th of them. */
const struct gw_json *gw_crm_element(const struct gw_json *tree,
				     const char *each, size_t i);

/* The text of a string, a number, true or false, behind mb's end. Returns 0, ENOENT
 * (there is nothing, or null), EINVAL (a list or an object) or ENOMEM. */
int gw_crm_text(struct mbuf *mb, const struct gw_json *value);

/* The order that value makes, as a document of its own (the caller's reference).
 * Where something is missing the fault's pointer is that into value. Returns 0,
 * EINVAL or ENOMEM. */
int gw_crm_map(struct gw_json_doc **orderp, const struct gw_config_hook *hook,
	       const struct gw_json *value, struct gw_faults *faults);

/* One string of a mapping. tables: of lookup. where: the member it is for. Appends
 * to mb. The same errors. */
int gw_crm_template(struct mbuf *mb, const char *text,
		    const struct gw_json *value, const struct gw_json *tables,
		    const char *where, struct gw_faults *faults);

#endif
