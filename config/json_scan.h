/* The first pass of the JSON reader: one walk through a text that refuses what
 * isn't strict JSON. For the JSON reader alone. */
#ifndef BELLPULL_CONFIG_JSON_SCAN_H
#define BELLPULL_CONFIG_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

struct gw_json_error;

struct gw_json_scan {
	const char *text;
	size_t len;
	unsigned flags; /* GW_JSON_* bits                                 */
	char *blank;    /* text again, writable: comments are allowed and
			 * become blanks; or NULL                         */
	uint32_t find;  /* number of a value, from 1 in the order of the
			 * text, whose place is wanted; 0: none           */
};

/* Walks through the whole text. *placep (may be NULL) gets the offset of the
 * value to find, of its name if it is a member.
 * Returns 0, EBADMSG or ENOMEM, both with *error (may be NULL) filled in. */
int gw_json_scan(const struct gw_json_scan *scan, size_t *placep,
		 struct gw_json_error *error);

/* Fills in offset, line and column of a place. */
void gw_json_place(struct gw_json_error *error, const char *text, size_t pos);

#endif
