/* What may be dialled. See policy.h. */
#include "server/policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "sip/country.h"

enum { DAY_MINUTES = 24 * 60, WEEK_MINUTES = 7 * DAY_MINUTES };

static struct gw_policy_verdict allow(const char *rule, const char *why)
{
	struct gw_policy_verdict v = { .allowed = true, .rule = rule };

	(void)snprintf(v.why, sizeof(v.why), "%s", why);
	return v;
}

static struct gw_policy_verdict deny(const char *rule, const char *why)
{
	struct gw_policy_verdict v = allow(rule, why);

	v.allowed = false;
	return v;
}

/* Does a rule fit? ----------------------------------------------------------- */

static bool has(const struct gw_config_strings *list, const char *word)
{
	for (size_t i = 0; word && i < list->count; i++)
		if (!strcmp(list->list[i], word))
			return true;
	return false;
}

/* A list that is empty asks for nothing. */
static bool fits(const struct gw_config_strings *list, const char *word)
{
	return !list->count || has(list, word);
}

static bool is_day(const struct gw_config_rule *rule, unsigned minute_of_week)
{
	static const char *const names[] = { "mon", "tue", "wed", "thu",
					     "fri", "sat", "sun" };

	return fits(&rule->days, names[minute_of_week / DAY_MINUTES % 7]);
}

/* A night belongs to the day on which it begins. */
static bool is_time(const struct gw_config_rule *rule, unsigned minute_of_week)
{
	const unsigned minute = minute_of_week % DAY_MINUTES;
	unsigned from = 0, to = DAY_MINUTES;

	if (rule->hours && !gw_config_hours(rule->hours, &from, &to))
		return false;
	if (from < to)
		return minute >= from && minute < to &&
		       is_day(rule, minute_of_week);
	if (minute >= from)
		return is_day(rule, minute_of_week);
	return minute < to &&
	       is_day(rule, (minute_of_week + WEEK_MINUTES - DAY_MINUTES) %
				    WEEK_MINUTES);
}

/* How much of number the country's code is; 0: it isn't there. */
static size_t country_len(const char *iso, const char *number)
{
	const struct gw_country *country = gw_country_find(iso);
	const char *code = country ? gw_country_code(country) : "";
	const size_t len = strlen(code);

	return len && number[0] == '+' && !strncmp(number + 1, code, len) ?
		       len + 1 :
		       0;
}

/* host as an address has it: small letters, IPv6 in its shortest form and without
 * the brackets that people and settings write. */
static bool is_host(const char *setting, const char *host)
{
	char shortest[INET6_ADDRSTRLEN], literal[INET6_ADDRSTRLEN + 1];
	struct in6_addr addr;
	const size_t len = strlen(setting);

	if (setting[0] != '[')
		return !strcasecmp(setting, host);
	if (len < 2 || len - 2 >= sizeof(literal))
		return false;

	memcpy(literal, setting + 1, len - 2);
	literal[len - 2] = '\0';
	return inet_pton(AF_INET6, literal, &addr) == 1 &&
	       inet_ntop(AF_INET6, &addr, shortest, sizeof(shortest)) &&
	       !strcmp(shortest, host);
}

static bool has_host(const struct gw_config_strings *list, const char *host)
{
	for (size_t i = 0; i < list->count; i++)
		if (is_host(list->list[i], host))
			return true;
	return false;
}

static bool names_destination(const struct gw_config_rule *rule)
{
	return rule->prefixes.count || rule->countries.count ||
	       rule->hosts.count;
}

/* How exactly the rule means this destination: the length of the prefix, 1 for a
 * host; 0: it names none. False: it doesn't mean it. A number at somebody else's
 * host is that host's: what allows numbers does not allow it. */
static bool destination_len(size_t *lenp, const struct gw_config_rule *rule,
			    const struct gw_address *addr)
{
	const bool by_number = rule->deny || addr->own_domain;
	size_t len = 0;

	for (size_t i = 0; by_number && i < rule->prefixes.count; i++) {
		const size_t n = strlen(rule->prefixes.list[i]);

		if (n > len &&
		    !strncmp(addr->number, rule->prefixes.list[i], n))
			len = n;
	}
	for (size_t i = 0; by_number && i < rule->countries.count; i++) {
		const size_t n =
			country_len(rule->countries.list[i], addr->number);

		len = n > len ? n : len;
	}
	if (!len && has_host(&rule->hosts, addr->host))
		len = 1;
	*lenp = len;
	return len || (by_number && !names_destination(rule));
}

static bool rule_fits(const struct gw_config_rule *rule,
		      const struct gw_policy_ask *ask)
{
	/* the sandbox knows only rules that name it */
	if (ask->sandbox && !rule->lines.count)
		return false;
	return fits(&rule->lines, ask->line) && fits(&rule->keys, ask->key) &&
	       fits(&rule->projects, ask->project) &&
	       is_time(rule, ask->minute_of_week);
}

/* The rule that counts, or NULL. */
static const struct gw_config_rule *find_rule(const struct gw_policy_ask *ask,
					      size_t *lenp)
{
	const struct gw_config_rule *best = NULL;

	*lenp = 0;
	for (size_t i = 0; i < ask->policy->rule_count; i++) {
		const struct gw_config_rule *rule = &ask->policy->rules[i];
		size_t len;

		if (!rule_fits(rule, ask) ||
		    !destination_len(&len, rule, ask->addr))
			continue;
		/* "not at night" is meant for everything */
		if (rule->deny && !names_destination(rule))
			len = SIZE_MAX;
		if (!best || len > *lenp ||
		    (len == *lenp && rule->deny && !best->deny)) {
			best = rule;
			*lenp = len;
		}
	}
	return best;
}

static struct gw_policy_verdict of_rule(const struct gw_config_rule *rule)
{
	struct gw_policy_verdict v = { .allowed = !rule->deny,
				       .rule = rule->name,
				       .max_minutes = rule->max_minutes,
				       .cost = rule->cost };

	(void)snprintf(v.why, sizeof(v.why), "it stands in policy.rules to %s",
		       rule->deny ? "deny" : "allow");
	return v;
}

/* Emergency ------------------------------------------------------------------ */

/* Also with the digits in front that get the line an outside line. */
static bool is_emergency(const struct gw_policy_ask *ask)
{
	const char *number = ask->addr->number;
	const char *prefix = ask->dial_prefix ? ask->dial_prefix : "";
	const struct gw_country *country = gw_country_find(ask->country);
	const size_t len = strlen(prefix);

	if (number[0] == '+') {
		const char *code = country ? gw_country_code(country) : NULL;

		return code && !strncmp(number + 1, code, strlen(code)) &&
		       gw_policy_emergency(number + 1 + strlen(code),
					   ask->country);
	}
	return gw_policy_emergency(number, ask->country) ||
	       (len && !strncmp(number, prefix, len) &&
		gw_policy_emergency(number + len, ask->country));
}

/* Without a rule -------------------------------------------------------------- */

static bool is_extension(const struct gw_policy_ask *ask, uint32_t min)
{
	const char *number = ask->addr->number;
	const size_t len = strlen(number);

	return len >= min && len <= ask->policy->extension_max_digits &&
	       strspn(number, "0123456789") == len;
}

/* A user that is digits and what people write between them: a switch that leaves
 * that out would dial a number that no rule has seen. */
static bool is_disguised(const struct gw_address *addr)
{
	const char *user = addr->uri + strlen("sip:");
	const size_t len = strcspn(user, "@;");

	return !addr->number[0] && strpbrk(user, "0123456789") &&
	       strspn(user, "0123456789+-.()*%") >= len;
}

static struct gw_policy_verdict by_default(const struct gw_policy_ask *ask)
{
	const struct gw_config_policy *policy = ask->policy;
	const struct gw_address *addr = ask->addr;
	char why[GW_POLICY_WHY_SIZE];

	if (addr->number[0] && addr->own_domain) {
		for (size_t i = 0; i < policy->countries.count; i++)
			if (country_len(policy->countries.list[i],
					addr->number))
				return allow("country",
					     "numbers of this country may be "
					     "dialled");
		if (is_extension(ask, policy->extension_min_digits)) {
			(void)snprintf(why, sizeof(why),
				       "extensions of %u to %u digits may be "
				       "dialled",
				       policy->extension_min_digits,
				       policy->extension_max_digits);
			return allow("extension", why);
		}
	}
	if (addr->kind == GW_ADDRESS_SIP && !is_disguised(addr)) {
		if (addr->own_domain && policy->own_domain &&
		    (!addr->number[0] || is_extension(ask, 1)))
			return allow("own_domain",
				     "SIP addresses at the line's own domain "
				     "may be dialled");
		if (!addr->own_domain && has_host(&policy->hosts, addr->host))
			return allow("host", "SIP addresses at this host may "
					     "be dialled");
	}
	return deny("default_deny",
		    addr->own_domain ?
			    "nothing in policy allows it: policy.countries and "
			    "policy.rules open what may be dialled besides "
			    "extensions" :
			    "nothing in policy allows this host: policy.hosts "
			    "lists those that may be dialled");
}

/* A country that is open opens no range of ours; a rule with as long a prefix
 * does. */
static struct gw_policy_verdict outside(const struct gw_policy_ask *ask)
{
	const struct gw_policy_range *range;
	const struct gw_config_rule *rule;
	struct gw_policy_verdict v;
	size_t len;

	if (is_emergency(ask))
		return deny("emergency",
			    "emergency numbers are not dialled by a gateway");
	rule = find_rule(ask, &len);
	range = gw_policy_range(ask->addr->number);
	if (range && (!rule || len < strlen(range->prefix))) {
		v = deny(range->rule, "");
		(void)snprintf(v.why, sizeof(v.why),
			       "%s (%s) stay shut until a rule opens this "
			       "prefix itself",
			       range->what, range->prefix);
		return v;
	}
	return rule ? of_rule(rule) : by_default(ask);
}

static struct gw_policy_verdict inside(const struct gw_policy_ask *ask)
{
	const struct gw_config_rule *rule;
	size_t len;

	if (!ask->addr->own_domain)
		return deny("sandbox_only", "the sandbox line reaches only the "
					    "sandbox's own callees");
	rule = find_rule(ask, &len);
	return rule ? of_rule(rule) :
		      allow("sandbox", "the sandbox may be dialled");
}

struct gw_policy_verdict gw_policy_check(const struct gw_policy_ask *ask)
{
	if (ask->sandbox)
		return inside(ask);
	if (ask->addr->kind == GW_ADDRESS_SIM)
		return deny("sandbox_only", "simulated callees are reached "
					    "through the sandbox line only");
	return outside(ask);
}

/* Beside the question --------------------------------------------------------- */

unsigned gw_policy_minute_of_week(int64_t now_s)
{
	const time_t now = (time_t)now_s;
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return 0;
	return (unsigned)((tm.tm_wday + 6) % 7 * DAY_MINUTES + tm.tm_hour * 60 +
			  tm.tm_min);
}

/* The first of the list that isn't in the table of countries, or its count. */
static size_t first_unknown(const struct gw_config_strings *countries)
{
	size_t i = 0;

	while (i < countries->count && gw_country_find(countries->list[i]))
		i++;
	return i;
}

/* What is wrong with a limit; NULL: nothing. */
static const char *limit_fault(const struct gw_config_limit *limit)
{
	const bool sums = limit->minutes || limit->cost;

	if (!limit->calls && !sums && !limit->destinations &&
	    !limit->neighbours)
		return "counts nothing: it needs calls, minutes, cost, "
		       "destinations or neighbours";
	if (limit->window == GW_CONFIG_AT_ONCE &&
	    (sums || limit->destinations || limit->neighbours))
		return "what is up at_once is counted in calls alone";
	if (limit->hard && !sums)
		return "hard goes with minutes or cost";
	return NULL;
}

int gw_policy_config(const struct gw_config_policy *policy, char *pointer,
		     size_t pointer_size, char *why, size_t why_size)
{
	static const char unknown[] =
		"this country's code is not known here: use prefixes";
	size_t i;

	(void)snprintf(why, why_size, "%s", unknown);
	i = first_unknown(&policy->countries);
	if (i < policy->countries.count) {
		(void)snprintf(pointer, pointer_size, "/policy/countries/%zu",
			       i);
		return EINVAL;
	}
	for (size_t k = 0; k < policy->rule_count; k++) {
		const struct gw_config_strings *c = &policy->rules[k].countries;

		i = first_unknown(c);
		if (i == c->count)
			continue;
		(void)snprintf(pointer, pointer_size,
			       "/policy/rules/%zu/countries/%zu", k, i);
		return EINVAL;
	}
	for (i = 0; i < policy->limit_count; i++) {
		const char *wrong = limit_fault(&policy->limits[i]);

		if (!wrong)
			continue;
		(void)snprintf(pointer, pointer_size, "/policy/limits/%zu", i);
		(void)snprintf(why, why_size, "%s", wrong);
		return EINVAL;
	}
	return 0;
}
