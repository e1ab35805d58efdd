/* Where somebody outside sends a call on to: the Contact of a 3xx, the Refer-To of
 * a phone. It has to pass what a POST has to pass. */
#include "server/registry_impl.h"

#include <string.h>

#include "server/log.h"
#include "server/placing.h"

bool gw_registry_target(char *uri, size_t size, const char *target,
			enum gw_role role, void *arg)
{
	const struct gw_registry_entry *e = arg;
	struct gw_policy_verdict verdict = { .rule = "no_address" };
	struct gw_address addr;
	char text[GW_URI_MAX + 1];
	struct gw_line *way =
		role == GW_ROLE_FROM && e->from_way ? e->from_way : e->to_way;
	const size_t len = strcspn(target, ";?");
	const char *why = NULL;

	/* parameters and headers are the asker's wishes: whom to dial stands in
	 * front of them, how it is dialled is the line's business */
	if (len < sizeof(text)) {
		memcpy(text, target, len);
		text[len] = '\0';
		if (gw_placing_resolve(&addr, &verdict, text, way, &why) &&
		    verdict.allowed && strlen(addr.uri) < size) {
			str_ncpy(uri, addr.uri, size);
			return true;
		}
	}
	gw_log(GW_LOG_WARNING, "call.target_refused", GW_F_STR("id", e->id),
	       GW_F_STR("rule", verdict.rule),
	       GW_F_STR("why", why ? why : verdict.why));
	return false;
}
