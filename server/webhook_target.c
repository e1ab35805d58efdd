/* Tables of addresses that are not of the Internet: see webhook_target.h.
 *
 * They are looked at as 16 bytes, those of IPv4 as ::ffff:a.b.c.d. An IPv6 address
 * that carries an IPv4 one (mapped, NAT64, 6to4, Teredo) is refused as a whole: on
 * the way it becomes whatever was put in. */
#include "server/webhook_target.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <re_types.h>

#include "config/config.h"

struct range {
	const char *network;
	const char *why;
};

/* IANA's special-purpose registries. */
static const struct range ranges4[] = {
	{ "0.0.0.0/8", "this network" },
	{ "10.0.0.0/8", "private" },
	{ "100.64.0.0/10", "a provider's own" },
	{ "127.0.0.0/8", "loopback" },
	{ "169.254.0.0/16", "link-local" },
	{ "172.16.0.0/12", "private" },
	{ "192.0.0.0/24", "reserved" },
	{ "192.0.2.0/24", "for documents" },
	{ "192.88.99.0/24", "a 6to4 relay" },
	{ "192.168.0.0/16", "private" },
	{ "198.18.0.0/15", "for benchmarks" },
	{ "198.51.100.0/24", "for documents" },
	{ "203.0.113.0/24", "for documents" },
	{ "224.0.0.0/4", "multicast" },
	{ "240.0.0.0/4", "reserved" },
};

static const struct range ranges6[] = {
	{ "::/96", "loopback, unspecified or an old form of IPv4" },
	{ "::ffff:0:0/96", "IPv4 in IPv6" },
	{ "64:ff9b::/96", "IPv4 in IPv6 (NAT64)" },
	{ "64:ff9b:1::/48", "IPv4 in IPv6 (NAT64)" },
	{ "100::/64", "nobody's" },
	{ "2001::/23", "reserved" },
	{ "2001:db8::/32", "for documents" },
	{ "2002::/16", "IPv4 in IPv6 (6to4)" },
	{ "3fff::/20", "for documents" },
	{ "5f00::/16", "reserved" },
	{ "fc00::/7", "private" },
	{ "fe80::/10", "link-local" },
	{ "fec0::/10", "site-local" },
	{ "ff00::/8", "multicast" },
};

struct address {
	uint8_t bytes[16];
	bool v4;
	uint16_t port;
};

static void map4(uint8_t bytes[16], const void *v4)
{
	memset(bytes, 0, 10);
	bytes[10] = bytes[11] = 0xff;
	memcpy(bytes + 12, v4, 4);
}

static bool read_sockaddr(struct address *addr, const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		addr->v4 = true;
		addr->port = ntohs(in->sin_port);
		map4(addr->bytes, &in->sin_addr);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		addr->v4 = false;
		addr->port = ntohs(in6->sin6_port);
		memcpy(addr->bytes, &in6->sin6_addr, 16);
	} else {
		return false;
	}
	return true;
}

/* "10.0.0.0/8", "::1". */
static bool read_network(uint8_t bytes[16], unsigned *bitsp, bool *v4p,
			 const char *text)
{
	char buf[INET6_ADDRSTRLEN];
	const size_t len = strcspn(text, "/");
	struct in_addr v4;

	if (len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	*v4p = inet_pton(AF_INET, buf, &v4) == 1;
	if (*v4p)
		map4(bytes, &v4);
	else if (inet_pton(AF_INET6, buf, bytes) != 1)
		return false;
	*bitsp = text[len] ? (unsigned)atoi(text + len + 1) : *v4p ? 32 : 128;
	*bitsp += *v4p ? 96 : 0;
	return *bitsp <= 128;
}

static bool is_in(const struct address *addr, const char *network)
{
	uint8_t bytes[16];
	unsigned bits, rest;
	bool v4;

	if (!read_network(bytes, &bits, &v4, network) || v4 != addr->v4)
		return false;
	rest = bits % 8;
	return !memcmp(bytes, addr->bytes, bits / 8) &&
	       (!rest ||
		!((bytes[bits / 8] ^ addr->bytes[bits / 8]) >> (8 - rest)));
}

static const char *find_range(const struct address *addr)
{
	const struct range *ranges = addr->v4 ? ranges4 : ranges6;
	const size_t count = addr->v4 ? ARRAY_SIZE(ranges4) :
					ARRAY_SIZE(ranges6);

	for (size_t i = 0; i < count; i++) {
		if (is_in(addr, ranges[i].network))
			return ranges[i].why;
	}

	return NULL;
}

bool gw_webhook_target_listed(const struct sockaddr *sa,
			      const struct gw_config_webhooks *cfg)
{
	struct address addr;

	if (!read_sockaddr(&addr, sa))
		return false;
	for (size_t i = 0; i < cfg->allow_targets.count; i++) {
		if (is_in(&addr, cfg->allow_targets.list[i]))
			return true;
	}

	return false;
}

const char *gw_webhook_target_refuse(const struct sockaddr *sa,
				     const struct gw_config_webhooks *cfg)
{
	struct address addr;

	if (!read_sockaddr(&addr, sa))
		return "no address of the Internet";
	if (gw_webhook_target_listed(sa, cfg))
		return NULL;
	if (addr.port != 443 && !(addr.port == 80 && cfg->allow_http))
		return "a port that is not 443";
	return find_range(&addr);
}

int gw_webhook_host(char *host, size_t size, const char *url)
{
	const char *p, *end;
	size_t len;

	p = !strncasecmp(url, "https://", 8) ? url + 8 :
	    !strncasecmp(url, "http://", 7)  ? url + 7 :
					       NULL;
	if (!p)
		return EINVAL;
	for (const char *c = url; *c; c++) {
		if (*c <= ' ' || *c > '~' || *c == '\\')
			return EINVAL;
	}
	end = p + strcspn(p, "/?#");
	if (memchr(p, '@', (size_t)(end - p)))
		return EINVAL;
	if (*p == '[') {
		const char *close = memchr(p, ']', (size_t)(end - p));

		if (!close)
			return EINVAL;
		end = close;
		p++;
	} else if (memchr(p, ':', (size_t)(end - p))) {
		end = memchr(p, ':', (size_t)(end - p));
	}
	len = (size_t)(end - p);
	if (!len || len >= size ||
	    strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		      "0123456789-._:") < len)
		return EINVAL;
	for (size_t i = 0; i < len; i++)
		host[i] = (char)tolower((unsigned char)p[i]);
	host[len] = '\0';
	return 0;
}
