/* JSON as text, straight into a buffer: what the hot path writes (a call's
 * snapshot goes out with every event) without building a tree first.
 *
 * Commas look after themselves. An error (memory) is remembered: write it all,
 * then ask once. */
#ifndef BELLPULL_SERVER_WRITER_H
#define BELLPULL_SERVER_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mbuf;

struct gw_writer {
	struct mbuf *mb; /* borrowed; text is appended at its end */
	bool comma;      /* the next member or element needs one */
	int err;
};

void gw_writer_init(struct gw_writer *w, struct mbuf *mb);

/* name is a member's name (plain ASCII, not escaped), or NULL for an element. */
void gw_write_open(struct gw_writer *w, const char *name, char bracket);
void gw_write_close(struct gw_writer *w, char bracket);
void gw_write_string(struct gw_writer *w, const char *name,
		     const char *val); /* NULL: null */
void gw_write_stringn(struct gw_writer *w, const char *name, const char *val,
		      size_t len);
void gw_write_int(struct gw_writer *w, const char *name, int64_t val);
void gw_write_fixed1(struct gw_writer *w, const char *name,
		     double val); /* one decimal */
void gw_write_bool(struct gw_writer *w, const char *name, bool val);
void gw_write_null(struct gw_writer *w, const char *name);
/* "2026-11-22T05:00:00.000Z"; 0: null */
void gw_write_time(struct gw_writer *w, const char *name, int64_t at_ms);
/* JSON text as it is */
void gw_write_raw(struct gw_writer *w, const char *name, const char *json,
		  size_t len);

#endif
