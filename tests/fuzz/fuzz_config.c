/* Whatever stands in the file: it is taken, and then everything that others rely
 * on is there, or it is refused with at least one error that can be told. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "tests/fuzz/fuzz.h"

static void check_line(const struct gw_config_line *line)
{
	ENSURE(line->name && *line->name);
	ENSURE(line->user && *line->user && !strpbrk(line->user, "\r\n<>\"@ "));
	ENSURE(line->domain && !strpbrk(line->domain, "\r\n<>\"@;? "));
	ENSURE(line->expires_s >= 10);
	ENSURE(line->identity_header && line->dial.format);
	ENSURE(line->codecs.count > 0 && line->codecs.list[0]);
	ENSURE(line->transport <= GW_CONFIG_TLS);
}

static void check_config(const struct gw_config *cfg)
{
	size_t i, defaults = 0;

	ENSURE(cfg->http.listen.count > 0 && cfg->sip.listen.count > 0);
	for (i = 0; i < cfg->http.listen.count; i++)
		ENSURE(cfg->key_count ||
		       !strncmp(cfg->http.listen.list[i].address, "127.", 4) ||
		       strchr(cfg->http.listen.list[i].address, ':'));
	ENSURE(cfg->media.port_min >= 1024);
	ENSURE(cfg->media.port_min < cfg->media.port_max);
	ENSURE(!cfg->http.certificate == !cfg->http.key);

	for (i = 0; i < cfg->line_count; i++) {
		check_line(&cfg->lines[i]);
		defaults += cfg->lines[i].is_default;
	}
	ENSURE(defaults == (cfg->line_count > 0));

	for (i = 0; i < cfg->key_count; i++) {
		size_t len;

		ENSURE(cfg->keys[i].name && cfg->keys[i].project);
		ENSURE(gw_secret_text(cfg->keys[i].secret, &len) && len >= 16);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_config_errors errs;
	struct gw_config *cfg = NULL;
	char text[640];
	size_t i;
	int err;

	/* other people's files are none of our business here */
	if (size > 65536 || memmem(data, size, "ile:", 4))
		return 0;

	err = gw_config_parse(&cfg, (const char *)data, size, &errs);
	ENSURE(!err || err == EINVAL);
	ENSURE(!err == !errs.count);
	ENSURE(errs.count <= GW_CONFIG_ERRORS_MAX);

	for (i = 0; i < errs.count; i++) {
		gw_config_error_print(text, sizeof(text), &errs.list[i]);
		ENSURE(errs.list[i].text[0] && text[0]);
	}

	if (cfg)
		check_config(cfg);
	mem_deref(cfg);
	return 0;
}
