/* The strict JSON reader (RFC 8259, and no more than that): API bodies, the
 * configuration file and the mapping of CRM payloads are read through it.
 *
 * A text is either taken whole or refused with the place and a sentence. What
 * is taken has valid UTF-8, no byte order mark, no two members of one name in
 * an object, no lone surrogate, no NUL in a string, at most GW_JSON_DEPTH_MAX
 * levels and GW_JSON_VALUES_MAX values, and numbers that a double can hold.
 * So callers meet nothing they would have to check twice.
 *
 * The tree is read only. A `struct gw_json` is one value of it; it lives as
 * long as its document. All functions that take a value accept NULL ("there is
 * none") and then answer as for a value of the wrong type. Pure: no socket, no
 * clock, no file; any thread, as long as a document stays on one. */
#ifndef BELLPULL_CONFIG_JSON_H
#define BELLPULL_CONFIG_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mbuf;
struct gw_json;     /* one value */
struct gw_json_doc; /* a text that has been read, and all its values */

enum {
	GW_JSON_DEPTH_MAX = 32,     /* arrays and objects inside each other */
	GW_JSON_VALUES_MAX = 65536, /* values in one text, all levels       */
	GW_JSON_NUMBER_MAX = 60,    /* characters of one number             */
	GW_JSON_POINTER_SIZE = 256, /* bytes of a JSON pointer, with NUL    */
};

/* The largest integer of which every smaller one is exact in a double, too:
 * 2^53 - 1. */
#define GW_JSON_INT_MAX INT64_C(9007199254740991)

/* How strict to be, beyond what is said above. */
enum gw_json_flags {
	/* For files that people write: comments are blanks, and gw_json_line()
	 * answers. The document keeps a copy of the text and wipes it, and
	 * every string, when it is freed (a secret may stand in it). */
	GW_JSON_FILE = 1 << 0,
	/* Escaped control characters (\n, \t, \u001f) are refused, too. For
	 * texts whose strings go into SIP headers. NUL is always refused. */
	GW_JSON_NO_CONTROLS = 1 << 1,
	/* Integers beyond GW_JSON_INT_MAX are refused instead of rounded: an
	 * id that comes back with other last digits is worse than an error. */
	GW_JSON_EXACT = 1 << 2,
};

/* API bodies. */
#define GW_JSON_API (GW_JSON_NO_CONTROLS | GW_JSON_EXACT)

enum gw_json_fault {
	GW_JSON_FAULT_NONE,
	GW_JSON_FAULT_EMPTY,     /* no value at all                          */
	GW_JSON_FAULT_SYNTAX,    /* not JSON at this place                   */
	GW_JSON_FAULT_END,       /* the text ends too early                  */
	GW_JSON_FAULT_TRAILING,  /* something follows the value              */
	GW_JSON_FAULT_BOM,       /* a byte order mark in front               */
	GW_JSON_FAULT_UTF8,      /* bytes that are not UTF-8                 */
	GW_JSON_FAULT_CONTROL,   /* NUL or a control character in a string   */
	GW_JSON_FAULT_ESCAPE,    /* no escape sequence of JSON               */
	GW_JSON_FAULT_SURROGATE, /* half of a surrogate pair                 */
	GW_JSON_FAULT_NUMBER,    /* leading zero, or not representable       */
	GW_JSON_FAULT_DUPLICATE, /* a second member of this name             */
	GW_JSON_FAULT_DEPTH,     /* nested too deeply                        */
	GW_JSON_FAULT_SIZE,      /* too many values                          */
	GW_JSON_FAULT_MEMORY,    /* not the text's fault                     */
};

/* Where and why a text was refused. */
struct gw_json_error {
	enum gw_json_fault fault;
	size_t offset;   /* bytes before the place                           */
	uint32_t line;   /* from 1                                           */
	uint32_t column; /* from 1, in bytes                                 */
	/* The value (or the duplicate member) being read, as far as known and
	 * as far as it fits; "" is the whole text. */
	char pointer[GW_JSON_POINTER_SIZE];
	char text[128]; /* one sentence for people, without place and full stop */
};

/* Reads len bytes of text, which may be hostile and need no NUL behind them;
 * they are not needed afterwards. flags: GW_JSON_* bits. On success *docp
 * carries one reference, the caller's: mem_deref() it, and all values are gone.
 * On error *docp is left alone and *error (if not NULL) is filled in.
 * Memory is bounded by GW_JSON_VALUES_MAX and len; time grows with len and, in
 * an object of n members, with n log n.
 * Returns 0, EBADMSG (refused) or ENOMEM. */
int gw_json_parse(struct gw_json_doc **docp, const char *text, size_t len,
		  unsigned flags, struct gw_json_error *error);

/* "not-json", "duplicate-member", ...: stable words for machines. */
const char *gw_json_fault_name(enum gw_json_fault fault);

/* Walking about. ---------------------------------------------------------- */

enum gw_json_type {
	GW_JSON_NONE, /* there is no value (NULL was given) */
	GW_JSON_NULL,
	GW_JSON_BOOL,
	GW_JSON_NUMBER,
	GW_JSON_STRING,
	GW_JSON_ARRAY,
	GW_JSON_OBJECT,
};

const struct gw_json *gw_json_root(const struct gw_json_doc *doc);
enum gw_json_type gw_json_type(const struct gw_json *value);
const char *gw_json_type_name(enum gw_json_type type); /* "a string", ... */

/* The member of that name (exact case), or NULL if there is none or object
 * isn't an object. Linear in the number of members. */
const struct gw_json *gw_json_get(const struct gw_json *object,
				  const char *name);

/* Members or elements in the order of the text; NULL at the end, or when there
 * is nothing to go into. */
const struct gw_json *gw_json_first(const struct gw_json *container);
const struct gw_json *gw_json_next(const struct gw_json *value);
size_t gw_json_count(const struct gw_json *container);

/* The name of a member; NULL for elements and the root. */
const char *gw_json_name(const struct gw_json *value);

/* The value at a JSON pointer (RFC 6901, "" is the value itself, ~0 and ~1
 * understood), or NULL. */
const struct gw_json *gw_json_find(const struct gw_json *value,
				   const char *pointer);

/* What values say. ------------------------------------------------------- */

/* The text of a string, UTF-8, NUL-terminated, without NUL inside; or NULL if
 * it isn't a string. */
const char *gw_json_string(const struct gw_json *value);
/* The same with its length in bytes. lenp may be NULL. */
const char *gw_json_string_len(const struct gw_json *value, size_t *lenp);

/* A whole number in min..max (both inside +-GW_JSON_INT_MAX). 30, 30.0 and 3e1
 * are one and the same. *vp is written on success only.
 * Returns 0, EINVAL (not a number), EDOM (not a whole one) or ERANGE. */
int gw_json_int(int64_t *vp, const struct gw_json *value, int64_t min,
		int64_t max);
/* Return 0 or EINVAL (another type); *vp is written on success only. */
int gw_json_bool(bool *vp, const struct gw_json *value);
int gw_json_double(double *vp, const struct gw_json *value);

/* Telling people where. -------------------------------------------------- */

/* Writes the pointer of value ("/lines/0/port"; "" for the root), cut to size.
 * Costs a walk through the document: for error messages.
 * Returns 0, ENOENT (value is not in doc) or EOVERFLOW (cut). */
int gw_json_pointer(char *buf, size_t size, const struct gw_json_doc *doc,
		    const struct gw_json *value);

/* Appends "/name" to a pointer, escaped; cut to size as above. */
int gw_json_pointer_add(char *buf, size_t size, const char *name);

/* The line, from 1, on which value begins (for a member: its name). 0 if the
 * document was not read with GW_JSON_FILE or value isn't in it. Costs a walk
 * through the text: for error messages. */
uint32_t gw_json_line(const struct gw_json_doc *doc,
		      const struct gw_json *value);

/* Back to text. ---------------------------------------------------------- */

/* Appends value to mb as compact JSON: members in their order, no blanks, no
 * NUL. Numbers read back as the same double, also with GW_JSON_EXACT: whole ones
 * beyond GW_JSON_INT_MAX have a point or an exponent.
 * Returns 0, EINVAL (value is NULL) or ENOMEM (and mb is as before). */
int gw_json_print(struct mbuf *mb, const struct gw_json *value);

/* Appends len bytes of valid UTF-8 as a JSON string with its quotes. For
 * writers of JSON that have no tree. Returns 0 or ENOMEM. */
int gw_json_print_string(struct mbuf *mb, const char *text, size_t len);

#endif
