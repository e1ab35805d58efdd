/* A new configuration, whole or not at all. See reload.h.
 *
 *   load, check ──► what can't change stays ──► what could fail ──► swap
 *       │ wrong                                      │ wrong
 *       └────────────── the log says why ◄───────────┘
 *
 * Whoever keeps a pointer to the configuration has a function here that gives it
 * the next one; whoever keeps pointers into it keeps a reference. */
#include "server/reload.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <re.h>

#include "config/config.h"
#include "server/app.h"
#include "server/auth.h"
#include "server/crm.h"
#include "server/http.h"
#include "server/lines.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/policy.h"
#include "server/registry.h"
#include "server/sse.h"
#include "server/webhook.h"

void gw_reload_log(const struct gw_config *cfg)
{
	static const enum gw_log_level levels[] = {
		[GW_CONFIG_ERROR] = GW_LOG_ERROR,
		[GW_CONFIG_WARNING] = GW_LOG_WARNING,
		[GW_CONFIG_INFO] = GW_LOG_INFO,
		[GW_CONFIG_DEBUG] = GW_LOG_DEBUG,
	};
	const struct gw_log_cfg log = {
		.fd = STDOUT_FILENO,
		.level = levels[cfg->log.level],
		.format = GW_LOG_AUTO,
		.pii = cfg->log.pii,
	};

	gw_log_open(&log);
}

static void tell_errors(const struct gw_config_errors *errs)
{
	for (size_t i = 0; i < errs->count; i++) {
		const struct gw_config_error *e = &errs->list[i];

		gw_log(GW_LOG_ERROR, "config.wrong",
		       GW_F_STR("pointer", e->pointer),
		       GW_F_INT("line", e->line),
		       GW_F_STR("variable",
				e->variable[0] ? e->variable : NULL),
		       GW_F_STR("why", e->text));
	}
}

static void refused(const char *why)
{
	gw_log(GW_LOG_ERROR, "gateway.reload_refused", GW_F_STR("why", why),
	       GW_F_STR("now", "all settings are as they were"));
}

static void tell_kept(const char *pointer, void *arg)
{
	size_t *count = arg;

	++*count;
	gw_log(GW_LOG_WARNING, "config.kept", GW_F_STR("pointer", pointer),
	       GW_F_STR("why", "needs a restart"));
}

/* What the table of settings can't tell: of rules, and of keys. */
static int check_config(const struct gw_config *cfg)
{
	char pointer[128], why[160];
	int err = gw_policy_config(&cfg->policy, pointer, sizeof(pointer), why,
				   sizeof(why));

	err = err ? err :
		    gw_webhooks_config(cfg, pointer, sizeof(pointer), why,
				       sizeof(why));
	err = err ? err :
		    gw_crm_config(cfg, pointer, sizeof(pointer), why,
				  sizeof(why));

	if (err)
		gw_log(GW_LOG_ERROR, "config.wrong",
		       GW_F_STR("pointer", pointer), GW_F_STR("why", why));
	return err;
}

/* The next configuration, or NULL: the log says why. */
static struct gw_config *load(const struct gw_app *app, const char *path,
			      size_t *keptp)
{
	struct gw_config_errors *errs;
	struct gw_config *cfg = NULL;
	int err;

	errs = mem_zalloc(sizeof(*errs), NULL);
	err = errs ? gw_config_load(&cfg, path, errs) : ENOMEM;
	if (err == EINVAL)
		tell_errors(errs);
	mem_deref(errs);
	err = err ? err : check_config(cfg);
	err = err ? err : gw_config_keep(cfg, app->cfg, tell_kept, keptp);
	if (err) {
		refused(err == EINVAL ? "the configuration is wrong" :
					strerror(err));
		cfg = mem_deref(cfg);
	}

	return cfg;
}

/* Nothing in here fails. */
static void swap(struct gw_app *app, struct gw_config *cfg)
{
	const struct gw_sse_limits limits = {
		.streams = cfg->limits.streams,
		.streams_per_key = cfg->limits.streams_per_key,
	};
	void *const old = app->cfg;

	app->cfg = cfg;
	gw_reload_log(cfg);
	gw_lines_reload(cfg);
	gw_registry_reload(cfg);
	gw_webhooks_reload(app->webhooks, cfg);
	gw_sse_reload(app->sse, &limits);
	mem_deref(old);
}

static void reload(struct gw_app *app, const char *path)
{
	struct gw_crm_hooks *hooks = NULL;
	struct gw_http_cert *cert = NULL;
	struct gw_config *cfg;
	char why[256] = "";
	size_t kept = 0;
	int err;

	cfg = load(app, path, &kept);
	if (!cfg)
		return;
	err = gw_http_prepare(&cert, cfg, app->auth, why, sizeof(why));
	err = err ? err : gw_crm_prepare(&hooks, cfg);
	err = err ? err : gw_auth_reload(app->auth, cfg);
	if (err) {
		refused(why[0] ? why : strerror(err));
		mem_deref(cert);
		mem_deref(hooks);
		mem_deref(cfg);
		return;
	}

	if (app->http)
		gw_http_take(app->http, cfg, cert);
	else
		mem_deref(cert); /* it is read again when HTTP opens */
	gw_crm_take(hooks);
	swap(app, cfg);
	gw_log(GW_LOG_INFO, "gateway.reloaded", GW_F_INT("need_restart", kept));
}

void gw_reload(struct gw_app *app, const char *path)
{
	gw_notify_reloading();
	reload(app, path);
	gw_notify("READY=1");
}
