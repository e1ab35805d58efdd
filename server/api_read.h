/* What the handlers of calls share: looking one up and answering with it. */
#ifndef BELLPULL_SERVER_API_READ_H
#define BELLPULL_SERVER_API_READ_H

struct gw_http_req;
struct gw_store_row;

void gw_api_no_such_call(struct gw_http_req *req);

/* The call's row of the store to foundh, which answers; 404 where there is none
 * that the key may see. The request must have been put off with gw_http_later(). */
typedef void(gw_api_row_h)(struct gw_http_req *req, struct gw_store_row *row);
void gw_api_fetch_call(struct gw_http_req *req, const char *id,
		       gw_api_row_h *foundh);

/* 200 and the call, from memory or from the store; 404. The request must have
 * been put off with gw_http_later(). */
void gw_api_reply_call(struct gw_http_req *req, const char *id);

#endif
