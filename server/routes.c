/* THE table of routes: what the gateway answers to, and to whom. http_route.c
 * finds a request's row; http_admit.c does what the columns say before the
 * handler is called. */
#include "server/api.h"
#include "server/routes.h"

enum {
	BODY = GW_ROUTE_JSON | GW_ROUTE_FORM,
	BODY_MAYBE = BODY | GW_ROUTE_BODY_OPTIONAL,
	STREAM = GW_ROUTE_EVENTS | GW_ROUTE_NO_HEAD,
	CLICK = GW_ROUTE_CLICK,
	PROBE = GW_ROUTE_PUBLIC,
	TWILIO = GW_ROUTE_TWILIO,
	TWILIO_FORM = GW_ROUTE_TWILIO | GW_ROUTE_FORM,
	FILES = GW_ROUTE_PUBLIC | GW_ROUTE_STATIC | GW_ROUTE_NO_JSON,
};

const struct gw_route gw_routes[] = {
	/* clang-format off */
	{ GW_POST,   "/calls",               "createCall",    "calls:create", gw_api_create_call,    BODY | GW_ROUTE_HTML | CLICK | GW_ROUTE_PLACES, "dry_run" },
	{ GW_GET,    "/calls",               "listCalls",     "calls:read",   gw_api_list_calls,     0,                          "status to from line since limit cursor" },
	{ GW_GET,    "/calls/{id}",          "getCall",       "calls:read",   gw_api_get_call,       GW_ROUTE_HTML | CLICK,      "wait timeout quality" },
	{ GW_DELETE, "/calls/{id}",          "deleteCall",    "calls:hangup", gw_api_delete_call,    CLICK,                        NULL },
	{ GW_POST,   "/calls/{id}/hangup",   "hangupCall",    "calls:hangup", gw_api_hangup_call,    BODY_MAYBE | GW_ROUTE_HTML | CLICK, NULL },
	{ GW_POST,   "/calls/{id}/dtmf",     "pressDigits",   "calls:control", gw_api_dtmf,         BODY | CLICK,                       NULL },
	{ GW_POST,   "/calls/{id}/hold",     "holdCall",      "calls:control", gw_api_hold,         BODY_MAYBE,                 NULL },
	{ GW_POST,   "/calls/{id}/unhold",   "unholdCall",    "calls:control", gw_api_unhold,       BODY_MAYBE,                 NULL },
	{ GW_POST,   "/calls/{id}/mute",     "muteLeg",       "calls:control", gw_api_mute,         BODY_MAYBE | CLICK,                 NULL },
	{ GW_POST,   "/calls/{id}/unmute",   "unmuteLeg",     "calls:control", gw_api_unmute,       BODY_MAYBE | CLICK,                 NULL },
	{ GW_POST,   "/calls/{id}/transfer", "transferCall",  "calls:control", gw_api_transfer,     BODY,                       NULL },
	{ GW_POST,   "/calls/{id}/play",     "playSound",     "calls:control", gw_api_play,         BODY,                       NULL },
	{ GW_POST,   "/calls/{id}/record",   "recordCall",    "calls:control", gw_api_record,       BODY,                       NULL },
	{ GW_POST,   "/calls/{id}/erase",    "eraseCall",     "calls:erase",  gw_api_erase_call,     BODY_MAYBE,                 NULL },
	{ GW_GET,    "/calls/{id}/recording", "getRecording", "calls:read", gw_api_get_recording, GW_ROUTE_WAV | GW_ROUTE_NO_JSON, NULL },
	{ GW_GET,    "/calls/{id}/events",   "getCallEvents", "events:read",  gw_api_call_events,    STREAM | CLICK,             "last_event_id ticket limit cursor" },
	{ GW_GET,    "/calls/{id}/sip",      "getCallSip",    "calls:read",   gw_api_get_call_sip,   0,                          NULL },
	{ GW_GET,    "/events",              "getEvents",     "events:read",  gw_api_events,         STREAM | GW_ROUTE_NO_JSON,  "last_event_id ticket" },
	{ GW_GET,    "/lines",               "listLines",     "lines:read",   gw_api_list_lines,     0,                          NULL },
	{ GW_GET,    "/lines/{name}",        "getLine",       "lines:read",   gw_api_get_line,       0,                          NULL },
	{ GW_POST,   "/lines/{name}/check",  "checkLine",     "lines:check",  gw_api_check_line,     BODY_MAYBE,                 NULL },
	{ GW_POST,   "/session",             "createSession", NULL,           gw_api_create_session, BODY | GW_ROUTE_PUBLIC,     NULL },
	{ GW_POST,   "/tokens",              "createToken",   "tokens:create", gw_api_create_token,  BODY,                       NULL },
	{ GW_POST,   "/stream-tickets",      "createTicket",  "events:read",  gw_api_create_ticket,  BODY_MAYBE,                 NULL },
	{ GW_POST,   "/policy/check",        "checkPolicy",   "calls:create", gw_api_check_policy,   BODY,                       NULL },
	{ GW_POST,   "/admin/freeze",        "freeze",        "admin",        gw_api_freeze,         BODY,                       NULL },
	{ GW_GET,    "/audit",               "listAudit",     "admin",        gw_api_list_audit,     0,                          "limit cursor" },
	{ GW_GET,    "/hooks",               "listHooks",     "hooks:admin",  gw_api_list_hooks,     0,                          NULL },
	{ GW_POST,   "/hooks/{name}",        "receiveHook",   NULL,           gw_api_receive_hook,   GW_ROUTE_RAW | GW_ROUTE_PUBLIC, NULL },
	{ GW_POST,   "/hooks/{name}/test",   "testHook",      "hooks:admin",  gw_api_test_hook,      GW_ROUTE_RAW,               NULL },
	{ GW_GET,    "/hooks/{name}/deliveries", "listHookDeliveries", "hooks:admin", gw_api_list_deliveries, 0,               "limit cursor" },
	{ GW_GET,    "/webhooks",            "listWebhooks",  "webhooks:admin", gw_api_list_webhooks, 0,                        NULL },
	{ GW_GET,    "/webhooks/deliveries", "listDeliveries", "webhooks:admin", gw_api_list_outbox, 0,                     "endpoint status type call limit cursor" },
	{ GW_POST,   "/webhooks/deliveries/{id}/replay", "replayDelivery", "webhooks:admin", gw_api_replay_delivery, BODY_MAYBE, NULL },
	{ GW_POST,   "/webhooks/{name}/test", "testWebhook",  "webhooks:admin", gw_api_test_webhook, BODY_MAYBE,               NULL },
	{ GW_POST,   "/webhooks/{name}/replay", "replayWebhooks", "webhooks:admin", gw_api_replay_range, BODY_MAYBE,            NULL },
	{ GW_POST,   "/webhooks/{name}/enable", "enableWebhook", "webhooks:admin", gw_api_enable_webhook, BODY_MAYBE,           NULL },
	{ GW_POST,   "/webhooks/{name}/disable", "disableWebhook", "webhooks:admin", gw_api_disable_webhook, BODY_MAYBE,        NULL },
	{ GW_GET,    "/capacity",            "getCapacity",   NULL,           gw_api_get_capacity,   0,                          NULL },
	{ GW_GET,    "/metrics",             "getMetrics",    "metrics:read", gw_api_get_metrics,    GW_ROUTE_TEXT | GW_ROUTE_NO_JSON, NULL },
	{ GW_GET,    "/livez",               "getLivez",      NULL,           gw_api_get_livez,      PROBE,                      NULL },
	{ GW_GET,    "/readyz",              "getReadyz",     NULL,           gw_api_get_readyz,     PROBE,                      NULL },
	{ GW_GET,    "/openapi.json",        "getOpenapi",    NULL,           gw_api_get_openapi,    PROBE,                      NULL },
	/* Twilio's API, as far as click-to-call needs it */
	{ GW_POST,   "/2010-04-01/Accounts/{account}/Calls.json", "createTwilioCall", "calls:create", gw_api_create_twilio_call, TWILIO_FORM | GW_ROUTE_PLACES, NULL },
	{ GW_GET,    "/2010-04-01/Accounts/{account}/Calls.json", "listTwilioCalls", "calls:read", gw_api_list_twilio_calls, TWILIO, "To Status StartTime StartTime> StartTime< PageSize Page PageToken" },
	{ GW_GET,    "/2010-04-01/Accounts/{account}/Calls/{sid}.json", "getTwilioCall", "calls:read", gw_api_get_twilio_call, TWILIO, NULL },
	{ GW_POST,   "/2010-04-01/Accounts/{account}/Calls/{sid}.json", "updateTwilioCall", "calls:hangup", gw_api_update_twilio_call, TWILIO_FORM, NULL },
	/* the page; its files are known to http_static.c, and served by this row, too */
	{ GW_GET,    "/",                    "getPage",       NULL,           gw_api_get_page,       FILES,                      NULL },
	/* clang-format on */
};

const size_t gw_route_count = sizeof(gw_routes) / sizeof(gw_routes[0]);
