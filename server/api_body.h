/* Small bodies: members are read by name, one after the other, and what is left over is
 * a fault. All faults are gathered, then the body is right or 422 has been said. */
#ifndef BELLPULL_SERVER_API_BODY_H
#define BELLPULL_SERVER_API_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_http_req;
struct gw_json;

/* Begin with { .req = req, .root = gw_http_json(req) }. */
struct gw_body {
	struct gw_http_req *req;
	const struct gw_json *root; /* or NULL: there is none */
	bool wrong;
	const char *known[6];
	size_t known_count;
};

/* Visible ASCII of 1 to max bytes. NULL: missing (a fault if it is needed). */
const char *gw_body_text(struct gw_body *b, const char *name, size_t max,
			 bool needed);
/* From 1 to max; otherwise where it is missing. */
uint32_t gw_body_number(struct gw_body *b, const char *name, uint32_t otherwise,
			uint32_t max);
bool gw_body_bool(struct gw_body *b, const char *name, bool needed);
/* Such as 2026-11-22T05:00:00Z, in Unix milliseconds. 0: missing. */
int64_t gw_body_time(struct gw_body *b, const char *name);

/* One more thing that is wrong with the member; "": with the whole. */
void gw_body_fault(struct gw_body *b, const char *name, const char *detail);

/* The last question. False: 422 has been said. */
bool gw_body_is_right(struct gw_body *b);

#endif
