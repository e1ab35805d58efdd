/* What the files of the API's types share; nobody else includes it.
 *
 *   json.c         names of enums; writes event data, ladders and lines
 *   json_call.c    writes a call with its legs
 *   json_order.c   reads POST /calls: its members
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

/* json.c: a code of SIP or Q.850; 0 becomes null. */
void gw_json_write_code(struct gw_writer *w, const char *name, uint16_t code);

struct gw_json_reader {
	struct gw_order_request *order;
	struct gw_faults *faults;
	const struct gw_config_strings *header_patterns;
	bool from_form;
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
/* Calls f for each member, with the pointer one step deeper. */
void gw_json_read_members(struct gw_json_reader *r,
			  const struct gw_json *object,
			  void (*f)(struct gw_json_reader *r, const char *name,
				    const struct gw_json *v));

#endif
