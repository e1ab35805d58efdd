/* What may be dialled through which line, and why not.
 *
 * Deny by default. What opens a destination is a rule, a country or a host of the
 * configuration, or that it is an extension or an address at the line's own domain.
 * Of all rules that fit, the one with the longest prefix counts; of several, deny
 * does; a rule of the configuration stands above a range of ours of the same
 * length, and a deny rule that names no destination above everything. Emergency
 * numbers are never dialled. A sandbox line reaches the sandbox alone, all of it,
 * unless a rule that names the line refuses. Pure: the clock is the caller's. */
#ifndef BELLPULL_SERVER_POLICY_H
#define BELLPULL_SERVER_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "sip/address.h"

enum { GW_POLICY_WHY_SIZE = 160 };

struct gw_policy_ask {
	const struct gw_config_policy *policy;
	const struct gw_address *addr;
	const char *line;
	const char *country;     /* of the line; or NULL                */
	const char *dial_prefix; /* of the line, for an outside line; or NULL */
	bool sandbox;
	const char *key, *project; /* NULL: there are no keys           */
	unsigned minute_of_week;   /* local time, 0: Monday 00:00       */
};

struct gw_policy_verdict {
	bool allowed;
	const char *rule; /* stable name: of the configuration's rule, or one of
			   * "sandbox", "sandbox_only", "emergency", "extension",
			   * "own_domain", "country", "host", "default_deny",
			   * "premium", "satellite", "shared_cost", "dear_area" */
	char why[GW_POLICY_WHY_SIZE]; /* a sentence for people, without full stop */
	uint32_t max_minutes;         /* of the call; 0: no limit       */
	uint32_t cost; /* of a minute, in thousandths                   */
};

struct gw_policy_verdict gw_policy_check(const struct gw_policy_ask *ask);

/* Minutes since Monday 00:00 where this machine is. now_s: Unix seconds. */
unsigned gw_policy_minute_of_week(int64_t now_s);

/* Whether all countries of the policy are known, and each limit counts something.
 * Returns 0 or EINVAL; *pointerp and *whyp say where and why not. */
int gw_policy_config(const struct gw_config_policy *policy, char *pointer,
		     size_t pointer_size, char *why, size_t why_size);

/* policy_ranges.c: numbers that nobody opens by opening a country. NULL, or the
 * longest range that number (E.164 with plus) lies in. */
struct gw_policy_range {
	const char *prefix;
	const char *rule, *what;
};
const struct gw_policy_range *gw_policy_range(const char *number);

/* Whether digits, as they are dialled in that country (or NULL), call for help. */
bool gw_policy_emergency(const char *digits, const char *country);

#endif
