/* By which name a request goes, and who asks: its id, its trace, and the client's
 * address, which a proxy that is trusted may know better than the socket. */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "server/http_admit_impl.h"

static bool is_in(const struct sa *peer, const char *network)
{
	const char *slash = strchr(network, '/');
	const size_t len = slash ? (size_t)(slash - network) : strlen(network);
	const uint8_t *a, *b;
	unsigned bits, max;
	struct sa net;
	char text[64];

	if (len >= sizeof(text))
		return false;
	memcpy(text, network, len);
	text[len] = '\0';
	if (sa_set_str(&net, text, 0) || sa_af(&net) != sa_af(peer))
		return false;

	max = sa_af(&net) == AF_INET ? 32 : 128;
	bits = slash ? (unsigned)strtoul(slash + 1, NULL, 10) : max;
	a = max == 32 ? (const uint8_t *)&net.u.in.sin_addr :
			(const uint8_t *)&net.u.in6.sin6_addr;
	b = max == 32 ? (const uint8_t *)&peer->u.in.sin_addr :
			(const uint8_t *)&peer->u.in6.sin6_addr;
	return bits <= max && !memcmp(a, b, bits / 8) &&
	       (!(bits % 8) ||
		!((a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8)));
}

bool gw_http_is_in(const struct gw_config_strings *networks, const char *client)
{
	struct sa peer;

	if (sa_set_str(&peer, client, 0))
		return false;
	for (size_t i = 0; i < networks->count; i++)
		if (is_in(&peer, networks->list[i]))
			return true;
	return false;
}

static bool is_request_id(const char *id)
{
	const size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.:/+=@");

	return len && !id[len] && len < GW_HTTP_ID_SIZE;
}

static void make_id(struct gw_http_req *req)
{
	uint8_t random[16];

	rand_bytes(random, sizeof(random));
	(void)re_snprintf(req->id, sizeof(req->id), "%w", random,
			  sizeof(random));
}

/* W3C trace context: 00-<32 hex>-<16 hex>-<2 hex>. */
static void take_trace(struct gw_http_req *req, const char *parent)
{
	const char *const hex = "0123456789abcdef";

	if (!parent || strlen(parent) < 55 || strspn(parent, hex) != 2 ||
	    !strncmp(parent, "ff", 2) || parent[2] != '-' ||
	    strspn(parent + 3, hex) != 32 || parent[35] != '-' ||
	    strspn(parent + 36, hex) != 16 || parent[52] != '-' ||
	    strspn(parent + 3, "0") >= 32)
		return;

	memcpy(req->trace_id, parent + 3, 32);
	req->trace_id[32] = '\0';
}

/* The last address of X-Forwarded-For is the one our own proxy has seen. */
static void take_forwarded(struct gw_http_req *req, const char *forwarded)
{
	const char *last;
	struct sa sa;

	if (!forwarded)
		return;

	last = strrchr(forwarded, ',');
	last = last ? last + 1 : forwarded;
	last += strspn(last, " \t");
	if (!sa_set_str(&sa, last, 0))
		(void)re_snprintf(req->client, sizeof(req->client), "%j", &sa);
}

void gw_http_admit_names(struct gw_http_req *req)
{
	const char *id = gw_http_in(req, "X-Request-Id");

	(void)str_ncpy(req->client, req->conn->client, sizeof(req->client));
	make_id(req);
	take_trace(req, gw_http_in(req, "traceparent"));

	if (gw_http_is_in(&req->http->config->http.trusted_proxies,
			  req->conn->client)) {
		if (id && is_request_id(id))
			(void)str_ncpy(req->id, id, sizeof(req->id));
		take_forwarded(req, gw_http_in(req, "X-Forwarded-For"));
	}
}
