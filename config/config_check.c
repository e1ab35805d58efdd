/* How settings fit together: what no single row can tell. Each complaint says
 * what to do. Settings that were refused before may be missing here. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <re_types.h>

#include "config/config.h"
#include "config/config_load.h"

static bool is_loopback(const char *address)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, address, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;

	return inet_pton(AF_INET6, address, &v6) == 1 &&
	       IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Whoever reaches the API may place calls that cost money. */
bool gw_config_open_door(const struct gw_config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->http.listen.count; i++)
		if (!is_loopback(cfg->http.listen.list[i].address))
			return true;
	return false;
}

/* What the start will read: better missed now than then. What is in it is for
 * OpenSSL to say. */
static void check_file(struct gw_config_loader *ld, const char *pointer,
		       const char *path, bool secret)
{
	struct stat st;
	int fd;

	/* NONBLOCK: a FIFO must not make us wait for its writer */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st))
		gw_config_complain(ld, pointer, "cannot read %s: %s", path,
				   strerror(errno));
	else if (!S_ISREG(st.st_mode))
		gw_config_complain(ld, pointer, "%s is no regular file", path);
	else if (!st.st_size)
		gw_config_complain(ld, pointer, "%s is empty", path);
	else if (secret && (st.st_mode & 07777 & ~0640u))
		gw_config_complain(ld, pointer,
				   "%s has mode %04o, so others could read or "
				   "change it: chmod 0640 (or 0600) it",
				   path, st.st_mode & 07777);

	if (fd >= 0)
		(void)close(fd);
}

static void check_tls(const struct gw_config *cfg, struct gw_config_loader *ld)
{
	if (cfg->http.certificate && !cfg->http.key)
		gw_config_complain(ld, "/http/certificate",
				   "needs http.key, its private key");
	if (cfg->http.key && !cfg->http.certificate)
		gw_config_complain(ld, "/http/key",
				   "needs http.certificate, its certificate");
	if (cfg->http.certificate)
		check_file(ld, "/http/certificate", cfg->http.certificate,
			   false);
	if (cfg->http.key)
		check_file(ld, "/http/key", cfg->http.key, true);
}

/* A line finds a port by itself when sip.listen names none of its transport;
 * whom to trust is for people to say. */
static void check_trust(const struct gw_config *cfg, size_t i,
			struct gw_config_loader *ld)
{
	char pointer[64];

	if (cfg->lines[i].transport != GW_CONFIG_TLS || cfg->sip.ca_file)
		return;

	(void)snprintf(pointer, sizeof(pointer), "/lines/%zu/transport", i);
	gw_config_complain(ld, pointer,
			   "needs sip.ca_file, to verify the server's "
			   "certificate");
}

/* The first line of that name, or line_count. */
static size_t find_line(const struct gw_config *cfg, const char *name)
{
	size_t i;

	for (i = 0; i < cfg->line_count; i++) {
		if (cfg->lines[i].name && !strcmp(cfg->lines[i].name, name))
			break;
	}

	return i;
}

static void check_line_name(const struct gw_config *cfg, size_t i,
			    struct gw_config_loader *ld)
{
	const char *name = cfg->lines[i].name;
	char pointer[64];
	size_t first;

	if (!name)
		return;

	(void)snprintf(pointer, sizeof(pointer), "/lines/%zu/name", i);
	first = find_line(cfg, name);
	if (first < i)
		gw_config_complain(ld, pointer,
				   "another line is called so: /lines/%zu",
				   first);
	if (cfg->sandbox && !strcmp(name, "sandbox"))
		gw_config_complain(ld, pointer,
				   "the sandbox has a line of this name: "
				   "choose another, or switch the sandbox off");
}

static void check_lines(const struct gw_config *cfg,
			struct gw_config_loader *ld)
{
	size_t i, defaults = 0;
	bool has_tls = false;
	char pointer[64];

	for (i = 0; i < cfg->line_count; i++) {
		check_line_name(cfg, i, ld);
		check_trust(cfg, i, ld);
		has_tls |= cfg->lines[i].transport == GW_CONFIG_TLS;

		if (cfg->lines[i].is_default && ++defaults > 1) {
			(void)snprintf(pointer, sizeof(pointer),
				       "/lines/%zu/default", i);
			gw_config_complain(ld, pointer,
					   "there is a default line already: "
					   "only one can be");
		}
	}

	/* the usual place may be empty where nobody speaks TLS */
	if (has_tls && cfg->sip.ca_file)
		check_file(ld, "/sip/ca_file", cfg->sip.ca_file, false);
}

static bool same_secret(const struct gw_secret *a, const struct gw_secret *b)
{
	const char *x = gw_secret_text(a, NULL), *y = gw_secret_text(b, NULL);

	return x && y && !strcmp(x, y);
}

/* Two keys must be told apart, by people and by the gateway. */
static void check_key_twins(const struct gw_config *cfg, size_t i,
			    struct gw_config_loader *ld)
{
	const struct gw_config_key *key = &cfg->keys[i];
	char pointer[64];
	size_t j;

	for (j = 0; j < i; j++) {
		if (!strcmp(key->name, cfg->keys[j].name)) {
			(void)snprintf(pointer, sizeof(pointer),
				       "/keys/%zu/name", i);
			gw_config_complain(ld, pointer,
					   "another key is called so: "
					   "/keys/%zu",
					   j);
		}
		if (same_secret(key->secret, cfg->keys[j].secret)) {
			(void)snprintf(pointer, sizeof(pointer),
				       "/keys/%zu/secret", i);
			gw_config_complain(ld, pointer,
					   "/keys/%zu has the same secret: "
					   "each key needs its own",
					   j);
		}
	}
}

static void check_keys(const struct gw_config *cfg, struct gw_config_loader *ld)
{
	size_t i, j;

	for (i = 0; i < cfg->key_count; i++) {
		const struct gw_config_key *key = &cfg->keys[i];

		check_key_twins(cfg, i, ld);

		for (j = 0; j < key->lines.count; j++) {
			const char *name = key->lines.list[j];
			char pointer[64];

			if (find_line(cfg, name) < cfg->line_count ||
			    (cfg->sandbox && !strcmp(name, "sandbox")))
				continue;
			(void)snprintf(pointer, sizeof(pointer),
				       "/keys/%zu/lines/%zu", i, j);
			gw_config_complain(ld, pointer,
					   "there is no line called \"%s\"",
					   name);
		}
	}
}

/* A key that fixes no algorithm fixes none. */
static void check_tokens(const struct gw_config *cfg,
			 struct gw_config_loader *ld)
{
	char pointer[64];
	size_t i;

	for (i = 0; i < cfg->key_count; i++) {
		if (!cfg->keys[i].token_secret ||
		    !cfg->keys[i].token_public_key)
			continue;
		(void)snprintf(pointer, sizeof(pointer),
			       "/keys/%zu/token_public_key", i);
		gw_config_complain(ld, pointer,
				   "cannot stand beside token_secret: a key's "
				   "tokens are signed in one way");
	}
}

/* Both or none, and on one line. */
static void check_webhook_header(struct gw_config_loader *ld, size_t i,
				 const struct gw_config_endpoint *e)
{
	const char *value = gw_secret_text(e->header_value, NULL);
	char pointer[64];

	(void)snprintf(pointer, sizeof(pointer),
		       "/webhooks/endpoints/%zu/header/value", i);
	if (!e->header_name != !e->header_value)
		gw_config_complain(ld, pointer,
				   "and header.name belong together");
	for (; value && *value; value++) {
		if (*value >= ' ' && *value <= '~')
			continue;
		gw_config_complain(ld, pointer,
				   "must be printable and on one line");
		return;
	}
}

/* Endpoints are known by their names; and what is said in the open is meant so. */
static void check_webhooks(const struct gw_config *cfg,
			   struct gw_config_loader *ld)
{
	const struct gw_config_webhooks *w = &cfg->webhooks;
	char pointer[64];

	for (size_t i = 0; i < w->endpoint_count; i++) {
		const struct gw_config_endpoint *e = &w->endpoints[i];

		(void)snprintf(pointer, sizeof(pointer),
			       "/webhooks/endpoints/%zu/name", i);
		for (size_t k = 0; k < i; k++) {
			if (e->name && w->endpoints[k].name &&
			    !strcmp(e->name, w->endpoints[k].name))
				gw_config_complain(
					ld, pointer,
					"another endpoint is called so: "
					"/webhooks/endpoints/%zu",
					k);
		}
		(void)snprintf(pointer, sizeof(pointer),
			       "/webhooks/endpoints/%zu/url", i);
		if (e->url && !strncmp(e->url, "http:", 5) && !w->allow_http)
			gw_config_complain(ld, pointer,
					   "must be https://, unless "
					   "webhooks.allow_http is true");
		(void)snprintf(pointer, sizeof(pointer),
			       "/webhooks/endpoints/%zu/ca_file", i);
		check_webhook_header(ld, i, e);
		if (e->ca_file)
			check_file(ld, pointer, e->ca_file, false);
	}
}

void gw_config_cross_check(const struct gw_config *cfg,
			   struct gw_config_loader *ld)
{
	check_tokens(cfg, ld);
	gw_config_check_hooks(cfg, ld);
	check_webhooks(cfg, ld);
	check_tls(cfg, ld);
	check_lines(cfg, ld);
	check_keys(cfg, ld);
}
