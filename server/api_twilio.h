/* What the handlers of calls ask of those of Twilio's routes: on these a call and
 * what is wrong with an order are told in other words. */
#ifndef BELLPULL_SERVER_API_TWILIO_H
#define BELLPULL_SERVER_API_TWILIO_H

#include <stdbool.h>

struct gw_faults;
struct gw_http_req;
struct mbuf;

/* Is it a request to one of these routes? */
bool gw_api_is_twilio(const struct gw_http_req *req);

/* Answers with a call (JSON, as our own API has it). */
void gw_api_twilio_reply(struct gw_http_req *req, unsigned status,
			 const struct mbuf *call);
/* 400: the first of the faults, by the name of its parameter. */
void gw_api_twilio_wrong(struct gw_http_req *req,
			 const struct gw_faults *faults);

/* Is {account} that of who asks? False: answered. */
bool gw_api_twilio_account(struct gw_http_req *req);

/* The caller id of calls that were not placed here, which is their line's; NULL: the
 * line is gone. Lives with the line. */
struct gw_json;
const char *gw_api_twilio_caller_id(const struct gw_json *call);

#endif
