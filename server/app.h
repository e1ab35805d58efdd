/* The parts of the running gateway that handlers reach for: what gw_http_app()
 * gives them. Made and taken apart by main.c. */
#ifndef BELLPULL_SERVER_APP_H
#define BELLPULL_SERVER_APP_H

struct gw_app {
	struct gw_config *cfg;
	struct gw_store *store;
	struct gw_events *events;
	struct gw_sse *sse;
	struct gw_metrics *metrics;
	struct gw_media *media;
	struct gw_auth *auth;
	struct gw_http *http;
	struct gw_webhooks *webhooks;
};

#endif
