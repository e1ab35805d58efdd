/* Setting one value: what the setters of all types share, for config_value.c,
 * config_list.c and config_complete.c alone. All that return int return 0, EINVAL (why says what the
 * value must be) or ENOMEM. */
#ifndef BELLPULL_CONFIG_CONFIG_VALUE_H
#define BELLPULL_CONFIG_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_config_row;
struct gw_config_strings;
struct gw_json;

struct gw_config_target {
	const struct gw_config_row *row;
	void *at; /* base + offset */
	const struct gw_json *value;
	char *why;
	size_t why_size;
};

int gw_config_refuse(const struct gw_config_target *s, const char *why);

/* "must be a string or null, not a number" */
int gw_config_refuse_type(const struct gw_config_target *s, const char *must);

/* Length and form of one string. */
int gw_config_check_string(const struct gw_config_target *s, const char *text);

/* Which of the row's words text is. */
int gw_config_find_word(const struct gw_config_target *s, const char *text,
			size_t *ip);

/* One to five digits, no leading zero. */
bool gw_config_read_port(const char *text, size_t len, uint16_t *portp);

int gw_config_set_strings(const struct gw_config_target *s);
int gw_config_set_listens(const struct gw_config_target *s);
int gw_config_set_secrets(const struct gw_config_target *s);
int gw_config_set_ints(const struct gw_config_target *s);

/* One more behind the others; text is copied. Others who share the list keep it
 * as it was. Returns 0 or ENOMEM. */
int gw_config_add_string(struct gw_config_strings *strings, const char *text);

#endif
