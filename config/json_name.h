/* Names of members as they stand in a text, and the JSON pointers (RFC 6901)
 * that are made of them. For the JSON reader alone. */
#ifndef BELLPULL_CONFIG_JSON_NAME_H
#define BELLPULL_CONFIG_JSON_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands between the quotes; it points into the text. */
struct gw_json_name {
	const char *raw;
	size_t len;
	bool escaped; /* has escape sequences, all of them good */
};

bool gw_json_is_digit(char c);

/* The value of four hexadecimal digits; false if they aren't there. */
bool gw_json_hex4(uint32_t *vp, const char *p, size_t left);

/* Orders names by the bytes they mean: "a" and "\u0061" are the same name. Fit
 * for qsort(). */
int gw_json_name_compare(const void *ap, const void *bp);
bool gw_json_name_same(const struct gw_json_name *a,
		       const struct gw_json_name *b);

/* Append one step to the pointer in buf, escaped; a whole step or, when it
 * doesn't fit, nothing and false. */
bool gw_json_step_name(char *buf, size_t size, const struct gw_json_name *name);
bool gw_json_step_index(char *buf, size_t size, uint32_t index);

#endif
