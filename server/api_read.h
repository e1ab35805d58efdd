/* What the handlers of calls share: looking one up and answering with it. */
#ifndef BELLPULL_SERVER_API_READ_H
#define BELLPULL_SERVER_API_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "server/cursor.h"

struct gw_http_req;
struct gw_store_read;
struct gw_store_row;
struct mbuf;

void gw_api_no_such_call(struct gw_http_req *req);

/* The call's row of the store to foundh, which answers; 404 where there is none
 * that the key may see. The request must have been put off with gw_http_later(). */
typedef void(gw_api_row_h)(struct gw_http_req *req, struct gw_store_row *row);
void gw_api_fetch_call(struct gw_http_req *req, const char *id,
		       gw_api_row_h *foundh);

/* 200 and the call, from memory or from the store; 404. The request must have
 * been put off with gw_http_later(). */
void gw_api_reply_call(struct gw_http_req *req, const char *id);

/* If-Match and If-None-Match of a command to the call {id} (RFC 9110 13.1). False:
 * answered with 412, or it is not known yet: then the route's handler is called
 * again once it is, if all is well. */
bool gw_api_is_as_expected(struct gw_http_req *req);

/* api_calls.c: places the call that gw_http_json() asks for, and answers. */
void gw_api_place_call(struct gw_http_req *req);
/* api_calls.c: ends the call, and answers with it. id is a valid one. */
void gw_api_hang_up(struct gw_http_req *req, const char *id);

/* api_list.c: the cursors of a list, for who asks. */
struct gw_cursor_of gw_api_cursor_of(const struct gw_http_req *req,
				     const char *list);
/* api_list.c: asks the store, or answers that it can't be asked. */
void gw_api_ask(struct gw_http_req *req, struct gw_store_read *rd);
/* api_list.c: appends "&name=value" (or another sign before), percent-encoded.
 * Returns 0 or an error. */
int gw_api_add_query(struct mbuf *mb, char before, const char *name,
		     const char *value);

/* api_list.c: the events of a call whose key may see them, as one page of JSON. The
 * request must have been put off. */
void gw_api_reply_call_events(struct gw_http_req *req, const char *id);

void gw_api_no_memory(struct gw_http_req *req);
void gw_api_no_answer(struct gw_http_req *req, int err); /* of the store */

/* A number of a query; not given: *valp stays. False: not one from min to max. */
bool gw_api_read_uint(const char *text, uint32_t min, uint32_t max,
		      uint32_t *valp);

/* The same, once the end of call waited is on disk. False: it is already. */
bool gw_api_reply_when_ended(struct gw_http_req *req, const char *id,
			     const char *waited);

#endif
