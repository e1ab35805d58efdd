/* What the handlers of calls share: looking one up and answering with it. */
#ifndef BELLPULL_SERVER_API_READ_H
#define BELLPULL_SERVER_API_READ_H

struct gw_http_req;

void gw_api_no_such_call(struct gw_http_req *req);

/* 200 and the call, from memory or from the store; 404. The request must have
 * been put off with gw_http_later(). */
void gw_api_reply_call(struct gw_http_req *req, const char *id);

#endif
