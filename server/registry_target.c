/* Where somebody sends a call on to: the Contact of a 3xx, the Refer-To of a phone,
 * the target of a transfer. It has to pass what a POST has to pass, and limits
 * count it as a call of no length: its minutes are the call's own. */
#include "server/registry_impl.h"

#include <string.h>

#include "server/clock.h"
#include "server/key.h"
#include "server/log.h"
#include "server/placing.h"
#include "server/refusal.h"
#include "sip/line.h"

void gw_registry_judge_target(struct gw_refusal *r, const char *id,
			      const struct gw_key *key, const char *line,
			      const struct gw_address *addr,
			      const struct gw_policy_verdict *verdict)
{
	const struct gw_quota_call call = {
		.key = key ? key->name : NULL,
		.project = key ? key->project : NULL,
		.line = line,
		.to = addr->number[0] ? addr->number : addr->uri,
		.cost = verdict->cost,
		.time_limit_s = 0,
	};
	const struct gw_registry_entry *e = gw_registry_find(id);
	const int64_t now_ms = gw_clock_ms();
	struct gw_quota_verdict quota;
	struct gw_quota_use *use;

	r->audited = true;
	if (gw_registry.frozen) {
		gw_refuse(r, 503, "frozen", "No new calls are placed for now.");
		return;
	}
	if (!verdict->allowed) {
		str_ncpy(r->rule, verdict->rule, sizeof(r->rule));
		gw_refuse(r, 403, "policy_denied",
			  "The rule \"%s\" refuses this destination: %s.",
			  verdict->rule, verdict->why);
		return;
	}
	quota = gw_quota_check(gw_registry.quota, &call, now_ms);
	if (!quota.allowed) {
		str_ncpy(r->rule, quota.limit, sizeof(r->rule));
		r->retry_s = quota.retry_s;
		r->max = quota.max;
		r->window_s = quota.window_s;
		gw_refuse(r, 429, "limit_reached", "No more calls for now: %s.",
			  quota.why);
	} else if (gw_quota_take(&use, gw_registry.quota, &call, now_ms)) {
		gw_refuse(r, 503, "memory", "Out of memory.");
	} else {
		gw_quota_end(use, 0, now_ms);
		gw_quota_dearer(e ? e->use : NULL, verdict->cost);
	}
}

bool gw_registry_target(char *uri, size_t size, const char *target,
			enum gw_role role, void *arg)
{
	const struct gw_registry_entry *e = arg;
	struct gw_policy_verdict verdict = { .rule = "no_address" };
	struct gw_refusal refusal = { .status = 0 };
	struct gw_address addr;
	char text[GW_URI_MAX + 1];
	struct gw_line *way =
		role == GW_ROLE_FROM && e->from_way ? e->from_way : e->to_way;
	const struct gw_refusal_order order = { target, e->from,
						gw_line_name(way) };
	const size_t len = strcspn(target, ";?");
	const char *why = NULL;

	/* parameters and headers are the asker's wishes: whom to dial stands in
	 * front of them, how it is dialled is the line's business */
	if (len < sizeof(text)) {
		memcpy(text, target, len);
		text[len] = '\0';
		if (gw_placing_resolve(&addr, &verdict, text, way, e->key,
				       &why) &&
		    strlen(addr.uri) < size) {
			gw_registry_judge_target(&refusal, e->id, e->key,
						 gw_line_name(way), &addr,
						 &verdict);
			if (!refusal.status) {
				str_ncpy(uri, addr.uri, size);
				return true;
			}
		}
	}
	if (!refusal.status)
		gw_refuse(&refusal, 422, "no_address", "%s",
			  why ? why : "this can't be dialled");
	gw_log(GW_LOG_WARNING, "call.target_refused", GW_F_STR("id", e->id),
	       GW_F_STR("rule", verdict.rule), GW_F_STR("why", refusal.detail));
	gw_refusal_note(e->key, &refusal, &order);
	return false;
}
