/* The table of settings, for the files of config/ alone. */
#ifndef BELLPULL_CONFIG_CONFIG_TABLE_H
#define BELLPULL_CONFIG_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_json;

/* What a setting is, in JSON and at its offset. */
enum gw_config_type {
	GW_CONFIG_STRING,  /* const char *, own copy; null is NULL         */
	GW_CONFIG_INT,     /* uint32_t in min..max; null is 0              */
	GW_CONFIG_PORT,    /* uint16_t in min..max; null is 0              */
	GW_CONFIG_BOOL,    /* bool; with words: is it the second one?      */
	GW_CONFIG_WORD,    /* const char *, one of words; null is NULL     */
	GW_CONFIG_ENUM,    /* enum, index of one of words                  */
	GW_CONFIG_STRINGS, /* struct gw_config_strings, perhaps of words   */
	GW_CONFIG_HTTP_LISTENS, /* struct gw_config_listens                */
	GW_CONFIG_SIP_LISTENS,  /* struct gw_config_listens                */
	GW_CONFIG_PORTS,   /* two uint16_t, written "20000-40000"          */
	GW_CONFIG_SECRET,  /* struct gw_secret *; null is NULL             */
	GW_CONFIG_SECRETS, /* struct gw_config_secrets                    */
	GW_CONFIG_OBJECT,  /* struct gw_json_doc *, own copy              */
	GW_CONFIG_ARRAY,   /* the same                                    */
	GW_CONFIG_INTS,    /* struct gw_config_ints, each in min..max      */
	GW_CONFIG_LATER,   /* nothing: only the default is taken           */
};

/* Looks at a string, or each string of a list. NULL: it is fine; else what it
 * must be: "must be ...". */
typedef const char *(gw_config_form_h)(const char *text);

struct gw_config_row {
	const char *pointer; /* N stands for the number of a line, key ...,
			      * NAME for the name of a hook */
	enum gw_config_type type;
	size_t offset; /* in gw_config, or in the struct of its group      */
	bool nullable;
	int64_t min, max;         /* numbers; strings and secrets: bytes   */
	const char *const *words; /* ended by NULL                         */
	gw_config_form_h *form;
	const char *json_default; /* JSON text; NULL: must be set          */
	const char *help;
};

extern const struct gw_config_row gw_config_rows[];
extern const size_t gw_config_row_count;

/* Walks through the rows whose pointers begin with prefix: "/lines/N/". Begin
 * with row NULL; NULL is the end. */
const struct gw_config_row *gw_config_row_next(const struct gw_config_row *row,
					       const char *prefix);

/* The environment's name for a pointer: "/a/b_c" is BELLPULL_A_B_C. Cut to size. */
void gw_config_variable(char *buf, size_t size, const char *pointer);

/* Sets what lies at base according to row. On error what was there stays, and
 * why says what the value must be.
 * Returns 0, EINVAL or ENOMEM. */
int gw_config_value_set(const struct gw_config_row *row, void *base,
			const struct gw_json *value, char *why,
			size_t why_size);

/* Sets the default. Rows without one are left at zero. Returns 0 or ENOMEM. */
int gw_config_value_default(const struct gw_config_row *row, void *base);

/* Frees what lies at base, and leaves zero behind. */
void gw_config_value_reset(const struct gw_config_row *row, void *base);

/* Whether two structs of row's kind say the same there. */
bool gw_config_value_same(const struct gw_config_row *row, const void *base,
			  const void *other);

/* Sets what lies at base, which owns nothing there yet, to what from has; memory
 * is shared. */
void gw_config_value_share(const struct gw_config_row *row, void *base,
			   const void *from);

/* The name in the NULL-ended list that was meant by a mistyped word, or NULL. */
const char *gw_config_nearest(const char *word, const char *const *names);

/* Forms of strings. */
gw_config_form_h gw_form_host, gw_form_address, gw_form_network, gw_form_origin,
	gw_form_base_url, gw_form_country, gw_form_user, gw_form_name,
	gw_form_digits, gw_form_proxy, gw_form_store_url,
	gw_form_header_pattern, gw_form_caller_id, gw_form_prefix,
	gw_form_webhook_url, gw_form_webhook_header, gw_form_event,
	gw_form_hours, gw_form_shown_name, gw_form_login, gw_form_pointer,
	gw_form_dedupe, gw_form_header, gw_form_key;

#endif
