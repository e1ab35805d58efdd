/* The strings of a mapping: "${/contact/phone|digits|e164:DE}". Text stands for
 * itself, ${...} for the value at a JSON pointer, taken through filters from left
 * to right; $${ is a ${ that is meant as such. There are no loops and no code.
 *
 * This only says what is written. Pure; what it gives points into the text. */
#ifndef BELLPULL_CONFIG_TEMPLATE_H
#define BELLPULL_CONFIG_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

enum gw_filter {
	GW_FILTER_TRIM,    /* without blanks around it                     */
	GW_FILTER_DIGITS,  /* only digits, and a plus in front             */
	GW_FILTER_E164,    /* e164:CC: a national number of that country   */
	GW_FILTER_LOWER,   /* in small letters (ASCII)                     */
	GW_FILTER_DEFAULT, /* default:x: where there is nothing            */
	GW_FILTER_LOOKUP,  /* lookup:table: what the table has for it      */
};

struct gw_template_filter {
	enum gw_filter kind;
	const char *arg; /* behind the colon; "" */
	size_t arg_len;
};

enum { GW_TEMPLATE_FILTERS_MAX = 8 };

struct gw_template_part {
	bool is_value;
	const char *text; /* itself, or the pointer */
	size_t len;
	struct gw_template_filter filters[GW_TEMPLATE_FILTERS_MAX];
	size_t filter_count;
};

/* The part at *atp, which moves on behind it. Returns 0, ENOENT (the end) or EINVAL
 * (*whyp says what it must be, and *atp stays). */
int gw_template_next(struct gw_template_part *part, const char **atp,
		     const char **whyp);

/* The whole of it at once. NULL: it is fine. */
const char *gw_template_check(const char *text);

/* Is text[len] a JSON pointer (RFC 6901)? */
bool gw_pointer_ok(const char *text, size_t len);

#endif
