/* Up and down, and what an event becomes for each endpoint: see webhook.h. */
#include "server/webhook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "server/clock.h"
#include "server/events.h"
#include "server/key.h"
#include "server/log.h"
#include "server/webhook_impl.h"
#include "server/webhook_sign.h"
#include "server/webhook_target.h"
#include "server/webhook_template.h"

enum { PAGE = 1000 };

/* Who wants to know ------------------------------------------------------------- */

static bool matches(const char *type, const char *pattern)
{
	const size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return !strncmp(type, pattern, len - 1);
	return !strcmp(type, pattern);
}

static bool wants(const struct gw_webhook_endpoint *ep, const char *type)
{
	const struct gw_config_strings *events;

	if (!ep->cfg)
		return false;
	/* news of a failed delivery could go round in circles */
	if (!strncmp(type, "webhook.", 8))
		return false;
	if (!gw_webhook_template_has((enum gw_webhook_format)ep->cfg->format,
				     type))
		return false;
	events = &ep->cfg->events;
	for (size_t i = 0; i < events->count; i++) {
		if (matches(type, events->list[i]))
			return true;
	}

	return !events->count;
}

/* "MOMENTS KEY URL" */
static const char *callback_url(const char *callback, const char *type,
				char *name, size_t size)
{
	static const struct {
		const char *type;
		unsigned moment;
	} moments[] = {
		{ "call.initiated", GW_WEBHOOK_INITIATED },
		{ "call.ringing", GW_WEBHOOK_RINGING },
		{ "call.answered", GW_WEBHOOK_ANSWERED },
		{ "call.ended", GW_WEBHOOK_COMPLETED },
	};
	char host[256];
	char *rest;
	const unsigned long wanted = strtoul(callback, &rest, 10);
	const char *key = rest + 1;
	const char *url = key + strcspn(key, " ") + 1;

	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		if (strcmp(type, moments[i].type) != 0)
			continue;
		if (!(wanted & moments[i].moment) ||
		    gw_webhook_host(host, sizeof(host), url))
			return NULL;
		(void)snprintf(name, size, "%s%.*s:%s",
			       wanted & GW_WEBHOOK_TWILIO ?
				       GW_WEBHOOK_TWILIO_CALLBACK :
				       GW_WEBHOOK_CALLBACK,
			       (int)strcspn(key, " "), key, host);
		return url;
	}

	return NULL;
}

static int fill(struct gw_store_event *ev, const struct gw_webhooks *w,
		const char *name, const char *url)
{
	const struct gw_webhook_endpoint *own;
	size_t n = 0;

	for (struct le *le = w->endpoints.head; le; le = le->next) {
		const struct gw_webhook_endpoint *ep = le->data;

		if (!wants(ep, ev->type) || n >= ev->delivery_count)
			continue;
		ev->deliveries[n].dead = ep->why != NULL;
		ev->deliveries[n++].endpoint = mem_ref(ep->name);
	}
	if (!url)
		return 0;
	own = gw_webhook_known(w, name);
	ev->deliveries[n].dead = own && own->why;
	return str_dup(&ev->deliveries[n].endpoint, name) ||
			       str_dup(&ev->deliveries[n].url, url) ?
		       ENOMEM :
		       0;
}

static int outbox(struct gw_store_event *ev, const char *callback, void *arg)
{
	char name[GW_WEBHOOK_ENDPOINT_SIZE] = "";
	const struct gw_webhooks *w = arg;
	const char *url = NULL;
	size_t count = 0;
	int err;

	for (struct le *le = w->endpoints.head; le; le = le->next)
		count += wants(le->data, ev->type);
	if (callback)
		url = callback_url(callback, ev->type, name, sizeof(name));
	count += url != NULL;
	if (!count)
		return 0;

	err = gw_store_event_deliver(ev, count);
	return err ? err : fill(ev, w, name, url);
}

/* What waits --------------------------------------------------------------------- */

/* Wall clock to the one that doesn't jump: a due time that lies more than a day
 * ahead is a clock's fault. */
static uint64_t due_from_wall(int64_t due_ms)
{
	const int64_t ahead = due_ms - gw_clock_ms();

	return tmr_jiffies() + (uint64_t)(ahead < 0          ? 0 :
					  ahead > 86400000LL ? 86400000LL :
							       ahead);
}

int gw_webhook_add(struct gw_webhooks *w,
		   const struct gw_store_outgoing_row *row, void *event)
{
	struct gw_webhook_endpoint *ep = gw_webhook_find(w, row->endpoint);
	struct gw_webhook_item *item = NULL;
	int err = ep ? 0 : ENOENT;

	err = err ? err :
		    gw_webhook_queue_add(&item, ep->queue, row->id,
					 row->call_id, row->url,
					 due_from_wall(row->due_ms));
	if (err)
		return err;
	item->attempts = row->attempts;
	item->owner = ep;
	item->erasures = w->erasures;
	if (event && w->bodies < GW_WEBHOOK_BODIES) {
		const struct gw_event *ev = event;

		w->bodies += ev->json_len;
		item->event = mem_ref(event);
	}
	w->waiting++;
	return 0;
}

/* What a disabled endpoint isn't told. */
static void bury(struct gw_webhooks *w, const char *endpoint)
{
	struct gw_webhook_endpoint *ep = gw_webhook_known(w, endpoint);

	if (ep)
		ep->dead++;
	w->stats.dead++;
}

/* On disk, with this event. */
static void posted(const struct gw_event *ev,
		   const struct gw_store_outgoing *deliveries, size_t count,
		   void *arg)
{
	struct gw_webhooks *w = arg;
	struct gw_store_outgoing_row row = { .due_ms = 0 };

	memcpy(row.call_id, ev->call_id, sizeof(row.call_id));
	for (size_t i = 0; i < count; i++) {
		w->known_id = deliveries[i].id;
		if (deliveries[i].dead) {
			bury(w, deliveries[i].endpoint);
			continue;
		}
		if (!w->loaded)
			continue; /* it is read in its turn */
		row.id = deliveries[i].id;
		row.endpoint = deliveries[i].endpoint;
		row.url = deliveries[i].url;
		if (!gw_webhook_add(w, &row, (void *)(uintptr_t)ev))
			continue;
		gw_log(GW_LOG_ERROR, "webhook.put_off",
		       GW_F_INT("delivery", (int64_t)row.id),
		       GW_F_STR("why",
				"out of memory: the next start sends it"));
	}
	gw_webhook_pump(w);
}

/* What a former process left ------------------------------------------------------ */

static int load_page(struct gw_webhooks *w);

static void load_failed(struct gw_webhooks *w, int err)
{
	if (!w->stopped)
		gw_log(GW_LOG_ERROR, "webhook.not_loaded",
		       GW_F_ERR("why", err));
}

static void page_read(struct gw_store_read *rd, void *arg)
{
	struct gw_webhooks *w = arg;
	int err = rd->err;

	for (size_t i = 0; !err && i < rd->outgoing_count; i++) {
		const struct gw_store_outgoing_row *row = &rd->outgoing[i];

		w->loaded_id = row->id;
		err = gw_webhook_add(w, row, NULL);
		if (err == ENOENT)
			err = 0; /* its endpoint is gone; it may come back */
	}
	if (!err && !w->stopped &&
	    (rd->more || (rd->outgoing_count && w->loaded_id < w->known_id)))
		err = load_page(w);
	else
		w->loaded = !err;
	if (err)
		load_failed(w, err);
	else if (w->loaded && w->waiting)
		gw_log(GW_LOG_INFO, "webhook.loaded",
		       GW_F_INT("waiting", w->waiting));
	gw_webhook_pump(w);
	mem_deref(w);
}

static int load_page(struct gw_webhooks *w)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_WAITING);
	int err;

	if (!rd)
		return ENOMEM;
	rd->after_id = w->loaded_id;
	rd->limit = PAGE;
	rd->doneh = page_read;
	rd->arg = mem_ref(w);
	err = gw_store_ask(w->store, rd);
	if (err)
		mem_deref(w);
	return err;
}

static void endpoints_read(struct gw_store_read *rd, void *arg)
{
	struct gw_webhooks *w = arg;
	int err = rd->err;

	for (size_t i = 0; !err && i < rd->endpoint_count; i++) {
		const struct gw_store_endpoint *row = &rd->endpoints[i];
		struct gw_webhook_endpoint *ep = gw_webhook_find(w, row->name);

		if (!ep)
			continue;
		ep->failing_since_ms = row->failing_since_ms;
		ep->disabled_at_ms = row->disabled_at_ms;
		if (!row->why)
			continue;
		err = str_dup(&ep->why, row->why);
		gw_webhook_queue_shut(ep->queue, true);
	}
	if (!err && !w->stopped) /* else the store is closed, or gone */
		err = load_page(w);
	if (err)
		load_failed(w, err);
	mem_deref(w);
}

int gw_webhooks_start(struct gw_webhooks *w)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_ENDPOINTS);
	int err;

	if (!rd)
		return ENOMEM;
	rd->doneh = endpoints_read;
	rd->arg = mem_ref(w);
	err = gw_store_ask(w->store, rd);
	if (err)
		mem_deref(w);
	return err;
}

/* Up and down ---------------------------------------------------------------------- */

int gw_webhooks_config(const struct gw_config *cfg, char *pointer,
		       size_t pointer_size, char *why, size_t why_size)
{
	static const char must[] =
		"must be whsec_ or whsk_ and base64, or at most 256 bytes";

	for (size_t i = 0; i < cfg->webhooks.endpoint_count; i++) {
		const struct gw_config_secrets *s =
			&cfg->webhooks.endpoints[i].secrets;

		for (size_t k = 0; k < s->count; k++) {
			const char *text = gw_secret_text(s->list[k], NULL);

			if (!gw_webhook_secret_check(text))
				continue;
			(void)snprintf(pointer, pointer_size,
				       "/webhooks/endpoints/%zu/secrets/%zu", i,
				       k);
			str_ncpy(why, must, why_size);
			return EINVAL;
		}
	}
	for (size_t i = 0; i < cfg->key_count; i++) {
		const char *text =
			gw_secret_text(cfg->keys[i].webhook_secret, NULL);

		if (!text || !gw_webhook_secret_check(text))
			continue;
		(void)snprintf(pointer, pointer_size,
			       "/keys/%zu/webhook_secret", i);
		str_ncpy(why, must, why_size);
		return EINVAL;
	}

	return 0;
}

static void destructor(void *arg)
{
	struct gw_webhooks *w = arg;

	tmr_cancel(&w->pump);
	tmr_cancel(&w->flush);
	mem_deref(w->sender);
	mem_deref(w->tries);
	list_flush(&w->endpoints);
	mem_deref(w->cfg);
}

int gw_webhooks_alloc(struct gw_webhooks **webhooksp,
		      const struct gw_config *cfg, struct gw_store *store,
		      struct gw_events *events)
{
	struct gw_webhooks *w = mem_zalloc(sizeof(*w), destructor);
	struct gw_webhook_endpoint *ep;
	int err;

	if (!w)
		return ENOMEM;
	w->cfg = mem_ref((void *)(uintptr_t)cfg);
	w->store = store;
	w->events = events;
	list_init(&w->endpoints);
	tmr_init(&w->pump);
	tmr_init(&w->flush);
	err = gw_webhook_sender_alloc(&w->sender, cfg);
	for (size_t i = 0; !err && i < cfg->webhooks.endpoint_count; i++)
		err = gw_webhook_endpoint(&ep, w,
					  cfg->webhooks.endpoints[i].name,
					  &w->cfg->webhooks.endpoints[i]);
	if (err) {
		mem_deref(w);
		return err;
	}
	gw_events_outbox(events, outbox, posted, w);
	*webhooksp = w;
	return 0;
}

void gw_webhooks_reload(struct gw_webhooks *w, const struct gw_config *cfg)
{
	struct le *le;
	size_t i = 0;

	/* the endpoints are those of the start (config_reload.c), in other places;
	 * the old configuration goes, and with it the secrets that it alone had */
	LIST_FOREACH(&w->endpoints, le) {
		struct gw_webhook_endpoint *ep = le->data;

		if (ep->cfg && i < cfg->webhooks.endpoint_count)
			ep->cfg = &cfg->webhooks.endpoints[i++];
	}
	mem_deref(w->cfg);
	w->cfg = mem_ref((void *)(uintptr_t)cfg);
}

void gw_webhooks_stop(struct gw_webhooks *w)
{
	w->stopped = true;
	tmr_cancel(&w->pump);
	gw_webhook_sender_stop(w->sender);
	gw_loop_drain();
	gw_webhook_flush(w);
}

bool gw_webhooks_full(const struct gw_webhooks *w)
{
	return w && w->waiting >= w->cfg->webhooks.max_waiting;
}

/* A call's own callback -------------------------------------------------------------- */

const char *gw_webhooks_refuse_callback(const struct gw_config *cfg,
					const struct gw_key *key,
					const char *url)
{
	char host[256];

	if (strlen(url) > 2048 || gw_webhook_host(host, sizeof(host), url))
		return "must be https://HOST/PATH, without user and password";
	if (!strncasecmp(url, "http:", 5) && !cfg->webhooks.allow_http)
		return "must be https://, unless webhooks.allow_http is true";
	if (!key)
		return NULL; /* then allow_targets say */
	for (size_t i = 0; i < key->callback_hosts.count; i++) {
		if (!strcasecmp(key->callback_hosts.list[i], host))
			return NULL;
	}

	return "its host is not one of the key's callback_hosts";
}

int gw_webhooks_callback(char **callbackp, const struct gw_key *key,
			 const char *url, unsigned moments)
{
	return re_sdprintf(callbackp, "%u %s %s", moments,
			   key ? gw_key_name(key) : "", url);
}
