/* What the first pass of the JSON reader is at: for json_scan.c and its helpers
 * alone. All that return int return 0, EBADMSG or ENOMEM, the latter two with
 * the fault noted in the reader. */
#ifndef BELLPULL_CONFIG_JSON_READER_H
#define BELLPULL_CONFIG_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/json.h"
#include "config/json_name.h"

enum { GW_JSON_NAMES_ROOM = 64 }; /* names kept without asking for memory */

/* Where the reader is: one for each array and object it is inside of. */
struct gw_json_level {
	bool in_object;
	bool has_name;  /* name is the member being read   */
	uint32_t index; /* the element being read          */
	size_t names;   /* where its names begin in reader */
	struct gw_json_name name;
};

struct gw_json_reader {
	const char *text;
	char *blank; /* the same bytes, if comments are allowed */
	size_t len;
	size_t pos;
	unsigned flags;
	uint32_t values; /* met so far                            */
	uint32_t find;   /* number of the one whose place is wanted */
	size_t place;    /* where that is                         */

	enum gw_json_fault fault;
	size_t fault_pos;
	const char *why;

	/* names of all open objects; those of the innermost come last */
	struct gw_json_name *names;
	size_t name_count;
	size_t name_room;

	uint32_t depth;
	struct gw_json_level level[GW_JSON_DEPTH_MAX];
	struct gw_json_name few[GW_JSON_NAMES_ROOM];
};

/* json_token.c: bytes and what they are made into. ------------------------ */

int gw_json_refuse_at(struct gw_json_reader *r, size_t pos,
		      enum gw_json_fault fault, const char *why);
int gw_json_refuse(struct gw_json_reader *r, enum gw_json_fault fault,
		   const char *why);

/* What was expected did not come: because of other text, or of none at all. */
int gw_json_unexpected(struct gw_json_reader *r, const char *why);

/* The next byte, or NUL at the end: no rule of JSON asks for a NUL. */
char gw_json_peek(const struct gw_json_reader *r);
bool gw_json_take(struct gw_json_reader *r, char c);
bool gw_json_at_text(const struct gw_json_reader *r, const char *str);

int gw_json_skip_blanks(struct gw_json_reader *r); /* and comments */

/* At an opening quote. What stands between the quotes goes to *name. */
int gw_json_read_string(struct gw_json_reader *r, struct gw_json_name *name);
int gw_json_read_number(struct gw_json_reader *r);

/* json_unique.c: the names of the object that the reader is inside of. ---- */

int gw_json_unique_add(struct gw_json_reader *r,
		       const struct gw_json_name *name);
int gw_json_unique_end(struct gw_json_reader *r);

#endif
