/* /metrics: what the gateway counts, as Prometheus' text format 0.0.4. Labels are
 * bounded: no numbers, ids or addresses of people. */
#ifndef BELLPULL_SERVER_METRICS_H
#define BELLPULL_SERVER_METRICS_H

#include <stdbool.h>
#include <stdint.h>

struct gw_events;
struct gw_http;
struct gw_metrics;
struct gw_sse;
struct gw_stack_dropped;
struct gw_store;
struct gw_webhooks;
struct mbuf;

/* Where the numbers come from. Any may be NULL: its rows are left out. All must
 * outlive the object. */
struct gw_metrics_src {
	struct gw_store *store;
	struct gw_events *events;
	struct gw_sse *sse;
	struct gw_http *http;
	/* bellpull_calls_active; NULL: left out */
	uint32_t (*calls_activeh)(void *arg);
	/* bellpull_sip_registered{account}: h is called per line; NULL: left out */
	void (*linesh)(void (*h)(const char *line, int registered, void *harg),
		       void *harg, void *arg);
	/* bellpull_sip_dropped_total; NULL: left out */
	void (*sip_droppedh)(struct gw_stack_dropped *dropped, void *arg);
	const struct gw_webhooks *webhooks; /* or NULL: left out */
	void *arg;
};

/* Free it with mem_deref(). */
int gw_metrics_alloc(struct gw_metrics **metricsp,
		     const struct gw_metrics_src *src);

/* A call was refused with this code ("capacity", "storage", ...: static). */
void gw_metrics_rejected(struct gw_metrics *metrics, const char *code);

/* A call has ended: status and cause by name (static), its durations in ms;
 * setup_ms -1: never answered. */
void gw_metrics_call_ended(struct gw_metrics *metrics, const char *status,
			   const char *cause, int64_t setup_ms,
			   int64_t duration_ms);

/* A recording is on disk, or never will be. */
void gw_metrics_recorded(struct gw_metrics *metrics, bool saved);

int gw_metrics_print(struct mbuf *mb, const struct gw_metrics *metrics);

#endif
