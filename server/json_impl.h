/* What the files of the API's types share; nobody else includes it.
 *
 *   json.c         names of enums; writes event data, ladders and lines
 *   json_call.c    writes a call with its legs
 *   json_order.c   reads POST /calls: the body and most of its members
 *   json_legs.c    the members that speak of two people
 *   json_when.c    the members that say when
 *   json_incall.c  reads the bodies of commands to a call
 *   json_value.c   what members are read with */
#ifndef BELLPULL_SERVER_JSON_IMPL_H
#define BELLPULL_SERVER_JSON_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <re.h>

#include "config/json.h"
#include "server/json.h"
#include "server/writer.h"

/* json_call.c: duration, size and url of a recording. */
void gw_json_write_recording_members(struct gw_writer *w, const char *call_id,
				     const struct gw_recording_view *recording);

/* json.c: a code of SIP or Q.850; 0 becomes null. */
void gw_json_write_code(struct gw_writer *w, const char *name, uint16_t code);

struct gw_json_reader {
	struct gw_order_request *order; /* of POST /calls, or */
	struct gw_command *command;     /* of a command */
	struct gw_faults *faults;
	const struct gw_config_strings *header_patterns;
	bool from_form;
	enum gw_role party;                 /* whose members are being read */
	struct gw_retry_rule *rule;         /* of retry, being read */
	char pointer[GW_JSON_POINTER_SIZE]; /* of what is being read */
};

#define GW_WRONG(r, ...) gw_fault((r)->faults, (r)->pointer, __VA_ARGS__)

/* json_value.c: out-parameters are written, and texts returned, only where the
 * value is a good one; what is wrong becomes a fault. */
const char *gw_json_read_text(struct gw_json_reader *r,
			      const struct gw_json *value, size_t max);
/* text, unless it is NULL or has control characters. */
const char *gw_json_sip_text(struct gw_json_reader *r, const char *text);
void gw_json_read_seconds(struct gw_json_reader *r, const struct gw_json *value,
			  uint32_t *secondsp, int64_t min, int64_t max);
void gw_json_read_bool(struct gw_json_reader *r, const struct gw_json *value,
		       bool *boolp);
/* One of the words (NULL ends them): its place, or -1. */
int gw_json_read_word(struct gw_json_reader *r, const struct gw_json *value,
		      const char *const *words);
/* "from" or "to", for the others as it is. */
void gw_json_read_role(struct gw_json_reader *r, const struct gw_json *value,
		       int *rolep);
/* Characters of allowed, at most max of them; NULL: a fault. */
const char *gw_json_read_digits(struct gw_json_reader *r,
				const struct gw_json *value,
				const char *allowed, size_t max);
/* Calls f for each member, with the pointer one step deeper. */
void gw_json_read_members(struct gw_json_reader *r,
			  const struct gw_json *object,
			  void (*f)(struct gw_json_reader *r, const char *name,
				    const struct gw_json *v));

/* json_legs.c: readers of single members, and of the objects' members (a form
 * has these as confirm.digit). */
typedef void(gw_json_order_h)(struct gw_json_reader *r,
			      const struct gw_json *v);
typedef void(gw_json_member_h)(struct gw_json_reader *r, const char *name,
			       const struct gw_json *v);
gw_json_order_h gw_json_order_to;
gw_json_order_h gw_json_order_from;
gw_json_order_h gw_json_order_from_line;
gw_json_order_h gw_json_order_first;
gw_json_order_h gw_json_order_show_to_from;
gw_json_order_h gw_json_order_confirm;
gw_json_order_h gw_json_order_announce;
gw_json_order_h gw_json_order_ringback;
gw_json_order_h gw_json_order_join;
gw_json_order_h gw_json_order_send_digits;
gw_json_order_h gw_json_order_record;
gw_json_member_h gw_json_confirm_member;
gw_json_member_h gw_json_announce_member;
/* json_when.c: the same. */
gw_json_order_h gw_json_order_not_before;
gw_json_order_h gw_json_order_expires_at;
gw_json_order_h gw_json_order_window;
gw_json_order_h gw_json_order_retry;
gw_json_member_h gw_json_window_member;
void gw_json_settle_when(struct gw_json_reader *r);
/* When all has been read: what asks for two people when there is one, and who
 * is meant where nobody was named. */
void gw_json_settle_legs(struct gw_json_reader *r);

#endif
