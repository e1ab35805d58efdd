/* Endpoints: by name, with their secrets, on and off.
 *
 * The callbacks that calls have of their own go to endpoints that come into being
 * with them, one for each key and host, so that a host that hangs delays nobody
 * else: "callback:KEY:HOST", and "twilio:KEY:HOST" where they are told in Twilio's
 * words. */
#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/webhook_impl.h"

static void destructor(void *arg)
{
	struct gw_webhook_endpoint *ep = arg;

	list_unlink(&ep->le);
	mem_deref(ep->queue);
	mem_deref(ep->name);
	mem_deref(ep->why);
}

int gw_webhook_endpoint(struct gw_webhook_endpoint **epp, struct gw_webhooks *w,
			const char *name, const struct gw_config_endpoint *cfg)
{
	struct gw_webhook_endpoint *ep = mem_zalloc(sizeof(*ep), destructor);
	int err;

	if (!ep)
		return ENOMEM;
	ep->webhooks = w;
	ep->cfg = cfg;
	err = str_dup(&ep->name, name);
	err = err ? err :
		    gw_webhook_queue_alloc(&ep->queue, cfg && cfg->unordered,
					   GW_WEBHOOK_PARALLEL);
	if (err) {
		mem_deref(ep);
		return err;
	}
	list_append(&w->endpoints, &ep->le, ep);
	*epp = ep;
	return 0;
}

struct gw_webhook_endpoint *gw_webhook_known(const struct gw_webhooks *w,
					     const char *name)
{
	for (struct le *le = w->endpoints.head; le; le = le->next) {
		struct gw_webhook_endpoint *ep = le->data;

		if (!strcmp(ep->name, name))
			return ep;
	}

	return NULL;
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

bool gw_webhook_is_callback(const char *name)
{
	return begins(name, GW_WEBHOOK_CALLBACK) ||
	       begins(name, GW_WEBHOOK_TWILIO_CALLBACK);
}

bool gw_webhook_is_twilio(const struct gw_webhook_endpoint *ep)
{
	return !ep->cfg && begins(ep->name, GW_WEBHOOK_TWILIO_CALLBACK);
}

bool gw_webhook_is_keyless(const struct gw_webhook_endpoint *ep)
{
	return !ep->cfg && strchr(ep->name, ':')[1] == ':';
}

struct gw_webhook_endpoint *gw_webhook_find(struct gw_webhooks *w,
					    const char *name)
{
	struct gw_webhook_endpoint *ep = gw_webhook_known(w, name);

	if (ep)
		return ep;
	if (!gw_webhook_is_callback(name))
		return NULL;
	return gw_webhook_endpoint(&ep, w, name, NULL) ? NULL : ep;
}

/* "callback:KEY:HOST" */
static const struct gw_config_key *key_of(const struct gw_webhook_endpoint *ep)
{
	const struct gw_config *cfg = ep->webhooks->cfg;
	const char *name = strchr(ep->name, ':') + 1;
	const size_t len = strcspn(name, ":");

	for (size_t i = 0; i < cfg->key_count; i++) {
		if (strlen(cfg->keys[i].name) == len &&
		    !memcmp(cfg->keys[i].name, name, len))
			return &cfg->keys[i];
	}

	return NULL;
}

size_t gw_webhook_secrets(const struct gw_webhook_endpoint *ep,
			  const char *secrets[8])
{
	const struct gw_config_key *key;
	size_t n = 0;

	if (ep->cfg) {
		for (; n < ep->cfg->secrets.count && n < 8; n++)
			secrets[n] =
				gw_secret_text(ep->cfg->secrets.list[n], NULL);
		return n;
	}
	key = key_of(ep);
	if (key && key->webhook_secret)
		secrets[n++] = gw_secret_text(key->webhook_secret, NULL);
	else if (key && gw_webhook_is_twilio(ep))
		secrets[n++] =
			gw_secret_text(key->secret, NULL); /* AuthToken */
	return n;
}

/* What the next process has to know of it. */
static int save_job(struct gw_store_job **jobp,
		    const struct gw_webhook_endpoint *ep)
{
	struct gw_store_job *job = gw_store_job_alloc(0);
	struct gw_store_endpoint *row = gw_store_endpoint_alloc();
	int err = job && row ? 0 : ENOMEM;

	err = err ? err : str_dup(&row->name, ep->name);
	if (!err && ep->why)
		err = str_dup(&row->why, ep->why);
	if (err) {
		mem_deref(row);
		mem_deref(job);
		return err;
	}
	row->disabled_at_ms = ep->disabled_at_ms;
	row->failing_since_ms = ep->failing_since_ms;
	job->endpoint = row;
	*jobp = job;
	return 0;
}

void gw_webhook_save(const struct gw_webhook_endpoint *ep)
{
	struct gw_store_job *job;

	if (save_job(&job, ep))
		return;
	job->keep = true;
	(void)gw_store_push(ep->webhooks->store, job);
}

static int disable(struct gw_webhook_endpoint *ep, const char *why)
{
	if (ep->why)
		return 0;
	if (str_dup(&ep->why, why))
		return ENOMEM;
	ep->disabled_at_ms = gw_clock_ms();
	gw_webhook_queue_shut(ep->queue, true);
	gw_log(GW_LOG_ERROR, "webhook.endpoint.disabled",
	       GW_F_STR("endpoint", ep->name), GW_F_STR("why", why));
	return 0;
}

static void enable(struct gw_webhook_endpoint *ep)
{
	ep->why = mem_deref(ep->why);
	ep->disabled_at_ms = ep->failing_since_ms = 0;
	gw_webhook_queue_shut(ep->queue, false);
	gw_log(GW_LOG_INFO, "webhook.endpoint.enabled",
	       GW_F_STR("endpoint", ep->name));
}

void gw_webhook_disable(struct gw_webhook_endpoint *ep, const char *why)
{
	if (!disable(ep, why))
		gw_webhook_save(ep);
}

void gw_webhook_enable(struct gw_webhook_endpoint *ep)
{
	enable(ep);
	gw_webhook_save(ep);
}

int gw_webhook_turn(struct gw_store_job **jobp, struct gw_webhook_endpoint *ep,
		    bool on)
{
	int err = 0;

	if (on)
		enable(ep);
	else
		err = disable(ep, "an operator has disabled it");
	return err ? err : save_job(jobp, ep);
}
