/* A call's own page for browsers without scripts: its facts, escaped, in the
 * place that call.html keeps for them. */
#ifndef BELLPULL_SERVER_API_PAGE_H
#define BELLPULL_SERVER_API_PAGE_H

struct gw_http_req;
struct mbuf;

/* call: its JSON as the API shows it. */
void gw_api_reply_call_page(struct gw_http_req *req, const struct mbuf *call);

/* Appends text so that no browser takes it for markup. */
int gw_html_escape(struct mbuf *mb, const char *text);

#endif
