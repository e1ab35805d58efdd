/* What may be dialled. See policy.h. */
#include "server/policy.h"

#include <string.h>

static bool is_extension(const struct gw_config_policy *policy,
			 const char *number)
{
	const size_t len = strlen(number);

	return len >= policy->extension_min_digits &&
	       len <= policy->extension_max_digits &&
	       strspn(number, "0123456789") == len;
}

/* Emergency numbers that are short enough to pass for an extension: never
 * dialled by a program. Only the two that networks route worldwide (3GPP TS
 * 22.101 10.1); the others are ordinary extensions in many an office. */
static bool is_emergency(const struct gw_address *addr)
{
	static const char *const numbers[] = { "112", "911" };
	const char *user = addr->uri + strlen("sip:");
	const size_t len = strcspn(user, "@;");
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strlen(numbers[i]) == len &&
		    !strncmp(user, numbers[i], len))
			return true;
	return false;
}

struct gw_policy_verdict gw_policy_check(const struct gw_config_policy *policy,
					 const struct gw_address *addr,
					 bool sandbox_line)
{
	const bool own = addr->own_domain;

	if (sandbox_line && own)
		return (struct gw_policy_verdict){
			true, "sandbox", "the sandbox may be dialled"
		};
	if (sandbox_line)
		return (struct gw_policy_verdict){
			false, "sandbox_only",
			"the sandbox line reaches only the sandbox's own callees"
		};
	if (addr->kind == GW_ADDRESS_SIM)
		return (struct gw_policy_verdict){
			false, "sandbox_only",
			"simulated callees are reached through the sandbox line only"
		};
	if (is_emergency(addr))
		return (struct gw_policy_verdict){
			false, "emergency",
			"emergency numbers are not dialled by a gateway"
		};
	if (addr->kind == GW_ADDRESS_NUMBER &&
	    is_extension(policy, addr->number))
		return (struct gw_policy_verdict){
			true, "extension",
			"extensions of 2 to 6 digits may be dialled"
		};
	if (addr->kind == GW_ADDRESS_SIP && own && policy->own_domain)
		return (struct gw_policy_verdict){
			true, "own_domain",
			"SIP URIs at the line's own domain may be dialled"
		};
	return (struct gw_policy_verdict){
		false, "default_deny",
		"an empty policy allows extensions of 2 to 6 digits and SIP URIs at the line's "
		"own domain, nothing else"
	};
}
