/* Hosts: names, IPv4 and IPv6 addresses, with or without a port. */
#include "sip/address_part.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	LABEL_MAX = 63, /* RFC 1035 2.3.4 */
	DOMAIN_MAX = 253,
};

/* Labels of letters, digits and inner hyphens. *numericp: the last label is all
 * digits, so the whole must be an IPv4 address (RFC 3261 25.1, toplabel). */
static bool is_host_name(const char *name, bool *numericp)
{
	size_t label = 0;
	bool numeric = true;

	if (!name[0] || strlen(name) > DOMAIN_MAX)
		return false;

	for (const char *p = name;; p++) {
		if (*p == '.' || !*p) {
			if (!label || label > LABEL_MAX || p[-1] == '-')
				return false;
			if (!*p)
				break;
			label = 0;
			numeric = true;
			continue;
		}
		if (!gw_address_is_alnum(*p) && !(*p == '-' && label))
			return false;
		numeric = numeric && gw_address_is_digit(*p);
		label++;
	}

	*numericp = numeric;
	return true;
}

static int read_port(unsigned *portp, const char *text, const char **whyp)
{
	unsigned port = 0;
	size_t n = 0;

	for (; n < 5 && gw_address_is_digit(text[n]); n++)
		port = port * 10 + (unsigned)(text[n] - '0');

	if (text[n] || !port || port > 65535 || text[0] == '0')
		return gw_address_refuse(
			whyp, "the port is not a number from 1 to 65535");

	*portp = port;
	return 0;
}

static int read_ipv6(struct gw_host *host, const char *text, const char **whyp)
{
	const char *end = strchr(text, ']');
	char literal[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	size_t len;

	if (!end || (end[1] && end[1] != ':'))
		return gw_address_refuse(
			whyp, "the IPv6 address has no closing bracket");

	len = (size_t)(end - text - 1);
	if (len >= sizeof(literal))
		return gw_address_refuse(whyp, "this is not an IPv6 address");

	memcpy(literal, text + 1, len);
	literal[len] = '\0';
	if (inet_pton(AF_INET6, literal, &addr) != 1 ||
	    !inet_ntop(AF_INET6, &addr, host->name, sizeof(host->name)))
		return gw_address_refuse(whyp, "this is not an IPv6 address");
	/* ::ffff:192.0.2.1 and its like: two names for one host, of which a
	 * policy would know only the other */
	if (strchr(host->name, '.'))
		return gw_address_refuse(
			whyp, "an IPv4 address inside an IPv6 one is to be "
			      "written as IPv4");

	host->ipv6 = true;
	return end[1] ? read_port(&host->port, end + 2, whyp) : 0;
}

/* host[:port], all of text. */
int gw_address_read_host(struct gw_host *host, const char *text,
			 const char **whyp)
{
	const char *colon;
	struct in_addr addr;
	bool numeric = false;
	size_t len;

	memset(host, 0, sizeof(*host));
	if (text[0] == '[')
		return read_ipv6(host, text, whyp);

	colon = strchr(text, ':');
	len = colon ? (size_t)(colon - text) : strlen(text);
	if (len > GW_URI_MAX)
		return gw_address_too_long(whyp);
	for (size_t i = 0; i < len; i++)
		host->name[i] = gw_address_lower(text[i]);

	if (!is_host_name(host->name, &numeric))
		return gw_address_refuse(
			whyp, "the host is not a name of letters, digits, "
			      "dots and hyphens (names in other scripts: "
			      "their xn-- form)");
	if (numeric && inet_pton(AF_INET, host->name, &addr) != 1)
		return gw_address_refuse(whyp,
					 "the host is not an IPv4 address");

	return colon ? read_port(&host->port, colon + 1, whyp) : 0;
}

bool gw_address_same_host(const struct gw_host *a, const struct gw_host *own)
{
	const unsigned port = own->port ? own->port : 5060;

	return a->ipv6 == own->ipv6 && !strcmp(a->name, own->name) &&
	       (!a->port || a->port == port);
}
