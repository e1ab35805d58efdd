/* What small handlers share: the members of a body and the numbers of a query that
 * they read, and the JSON that they answer with. */
#ifndef BELLPULL_SERVER_API_BODY_H
#define BELLPULL_SERVER_API_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/writer.h"

struct gw_http_req;
struct gw_json;
struct gw_store_read;
struct mbuf;

/* A small body, JSON or form, whose members are read by name; what is left over is
 * a fault. Faults are gathered, and told together by gw_body_is_right(). */
struct gw_body {
	struct gw_http_req *req;
	const struct gw_json *root;
	bool wrong;
	const char *known[8];
	size_t known_count;
};

struct gw_body gw_body_of(struct gw_http_req *req);
void gw_body_fault(struct gw_body *b, const char *name, const char *detail);

/* Visible ASCII of 1 to max bytes; lives with the request. NULL: there is none (a
 * fault if it is needed). */
const char *gw_body_text(struct gw_body *b, const char *name, size_t max,
			 bool needed);
/* 1 to max; otherwise: where there is none. */
uint32_t gw_body_number(struct gw_body *b, const char *name, uint32_t otherwise,
			uint32_t max);
bool gw_body_bool(struct gw_body *b, const char *name, bool needed);
/* A moment (RFC 3339), in ms since the epoch; 0: there is none. */
int64_t gw_body_time(struct gw_body *b, const char *name);

/* Last of all. False: 422 has been said. */
bool gw_body_is_right(struct gw_body *b);

/* A whole number in 1..max out of the query, or otherwise when there is none.
 * False: 400 has been said. */
bool gw_query_number(struct gw_http_req *req, const char *name,
		     uint64_t *valuep, uint64_t otherwise, uint64_t max);

/* text as a whole number in 1..max. False: it is none. */
bool gw_number_read(uint64_t *valuep, const char *text, uint64_t max);

/* An answer begins: NULL and w->err where there is no memory. It is sent, or 503
 * said, and mb freed. */
struct mbuf *gw_answer_begin(struct gw_writer *w);
void gw_answer(struct gw_http_req *req, unsigned status,
	       const struct gw_writer *w, struct mbuf *mb);

/* A page of rows that were read, newest first, each with a number. */
struct gw_answer_page {
	int err; /* of the read: 503 is said */
	size_t count;
	bool more;        /* behind the last of them */
	uint64_t last_id; /* whose number is this    */
	void (*write)(struct gw_writer *w, const struct gw_store_read *rd,
		      size_t i);
	const struct gw_store_read *rd;
};
void gw_answer_page(struct gw_http_req *req, const struct gw_answer_page *page);

#endif
