/* The handlers of the API by operationId (see routes.c and openapi.json). Each
 * reads its request, acts and replies; http.h says what has been looked at
 * before. gw_http_app() is what main gave to gw_http_open(). */
#ifndef BELLPULL_SERVER_API_H
#define BELLPULL_SERVER_API_H

struct gw_http_req;

/* api_calls.c, api_read.c, api_list.c, api_erase.c */
void gw_api_create_call(struct gw_http_req *req);  /* POST /calls             */
void gw_api_check_policy(struct gw_http_req *req); /* POST /policy/check      */
void gw_api_list_calls(struct gw_http_req *req);   /* GET /calls              */
void gw_api_get_call(struct gw_http_req *req);     /* GET /calls/{id}         */
void gw_api_delete_call(struct gw_http_req *req);  /* DELETE /calls/{id}      */
void gw_api_hangup_call(struct gw_http_req *req);  /* POST /calls/{id}/hangup */
void gw_api_get_call_sip(struct gw_http_req *req); /* GET /calls/{id}/sip     */
/* GET /calls/{id}/events and GET /events: JSON or a stream, by Accept */
void gw_api_call_events(struct gw_http_req *req);
void gw_api_events(struct gw_http_req *req);

void gw_api_erase_call(struct gw_http_req *req); /* POST /calls/{id}/erase  */

/* api_incall.c: POST /calls/{id}/dtmf and so on */
void gw_api_dtmf(struct gw_http_req *req);
void gw_api_hold(struct gw_http_req *req);
void gw_api_unhold(struct gw_http_req *req);
void gw_api_mute(struct gw_http_req *req);
void gw_api_unmute(struct gw_http_req *req);
void gw_api_transfer(struct gw_http_req *req);
void gw_api_play(struct gw_http_req *req);
void gw_api_record(struct gw_http_req *req);

/* api_recording.c */
void gw_api_get_recording(
	struct gw_http_req *req); /* GET /calls/{id}/recording */

/* api_lines.c */
void gw_api_list_lines(struct gw_http_req *req); /* GET /lines               */
void gw_api_get_line(struct gw_http_req *req);   /* GET /lines/{name}        */
void gw_api_check_line(struct gw_http_req *req); /* POST /lines/{name}/check */

/* api_access.c */
void gw_api_create_token(struct gw_http_req *req);  /* POST /tokens         */
void gw_api_create_ticket(struct gw_http_req *req); /* POST /stream-tickets */
void gw_api_freeze(struct gw_http_req *req);        /* POST /admin/freeze   */
void gw_api_list_audit(struct gw_http_req *req);    /* GET /audit           */

/* api_hooks.c */
void gw_api_list_hooks(struct gw_http_req *req);   /* GET /hooks              */
void gw_api_receive_hook(struct gw_http_req *req); /* POST /hooks/{name}      */
void gw_api_test_hook(struct gw_http_req *req);    /* POST /hooks/{name}/test */
void gw_api_list_deliveries(
	struct gw_http_req *req); /* GET /hooks/{name}/deliveries */
/* api_webhooks.c */
void gw_api_list_webhooks(struct gw_http_req *req); /* GET /webhooks */
void gw_api_test_webhook(
	struct gw_http_req *req); /* POST /webhooks/{name}/test */
void gw_api_list_outbox(struct gw_http_req *req); /* GET /webhooks/deliveries */
/* POST /webhooks/deliveries/{id}/replay */
void gw_api_replay_delivery(struct gw_http_req *req);

/* api_admin.c */
void gw_api_get_capacity(struct gw_http_req *req); /* GET /capacity */
void gw_api_get_metrics(struct gw_http_req *req);  /* GET /metrics  */

/* Answered by the HTTP face itself: http_face.c. */
void gw_api_create_session(struct gw_http_req *req); /* POST /session     */
void gw_api_get_livez(struct gw_http_req *req);      /* GET /livez        */
void gw_api_get_readyz(struct gw_http_req *req);     /* GET /readyz       */
void gw_api_get_openapi(struct gw_http_req *req);    /* GET /openapi.json */
void gw_api_get_page(struct gw_http_req *req);       /* GET / and files   */

#endif
