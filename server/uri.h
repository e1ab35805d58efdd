/* Text within a URI. Pure. */
#ifndef BELLPULL_SERVER_URI_H
#define BELLPULL_SERVER_URI_H

struct mbuf;

/* Appends text, percent-encoded but for what needs none anywhere (RFC 3986 2.3).
 * Returns 0 or ENOMEM. */
int gw_uri_escape(struct mbuf *mb, const char *text);

#endif
