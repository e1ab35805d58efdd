/* What may be dialled through which line, and why not. Deny by default: an
 * empty policy allows extensions of 2 to 6 digits and SIP URIs at the line's own
 * domain; a sandbox line reaches only the sandbox, all of it. Pure. */
#ifndef BELLPULL_SERVER_POLICY_H
#define BELLPULL_SERVER_POLICY_H

#include <stdbool.h>

#include "config/config.h"
#include "sip/address.h"

struct gw_policy_verdict {
	bool allowed;
	const char *
		rule; /* stable name: "extension", "own_domain", "sandbox", "default_deny", ... */
	const char *why; /* a sentence for people */
};

struct gw_policy_verdict gw_policy_check(const struct gw_config_policy *policy,
					 const struct gw_address *addr,
					 bool sandbox_line);

#endif
