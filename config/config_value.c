/* From a JSON value to the bytes at a setting's offset, and back to nothing.
 *
 * One setter per type, found by a table; those of lists are in config_list.c. */
#include "config/config_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <re_types.h>
#include <re_mbuf.h>
#include <re_mem.h>

#include "config/config.h"
#include "config/config_table.h"
#include "config/json.h"
#include "config/secret.h"

enum { STRING_MAX = 255 }; /* bytes, where the row says nothing */

int gw_config_refuse(const struct gw_config_target *s, const char *why)
{
	(void)snprintf(s->why, s->why_size, "%s", why);
	return EINVAL;
}

int gw_config_refuse_type(const struct gw_config_target *s, const char *must)
{
	(void)snprintf(s->why, s->why_size, "must be %s%s, not %s", must,
		       s->row->nullable ? " or null" : "",
		       gw_json_type_name(gw_json_type(s->value)));
	return EINVAL;
}

/* "must be "udp", "tcp" or "tls"", with a hint. */
static int refuse_word(const struct gw_config_target *s, const char *given)
{
	const char *const *words = s->row->words;
	const char *near = gw_config_nearest(given, words);
	size_t i, len = 0;

	(void)snprintf(s->why, s->why_size, "must be ");
	for (i = 0; words[i]; i++) {
		len = strlen(s->why);
		(void)snprintf(s->why + len, s->why_size - len, "%s\"%s\"",
			       !i           ? "" :
			       words[i + 1] ? ", " :
					      " or ",
			       words[i]);
	}

	len = strlen(s->why);
	if (near)
		(void)snprintf(s->why + len, s->why_size - len,
			       "; did you mean \"%s\"?", near);
	return EINVAL;
}

static size_t max_len(const struct gw_config_row *row)
{
	return row->max ? (size_t)row->max : STRING_MAX;
}

/* Length and form of one string. */
int gw_config_check_string(const struct gw_config_target *s, const char *text)
{
	const char *must;

	/* the empty pointer is the whole */
	if (!*text && s->row->form != gw_form_pointer)
		return gw_config_refuse(
			s, s->row->nullable ? "is empty: write null for none" :
					      "must not be empty");

	if (strlen(text) > max_len(s->row)) {
		(void)snprintf(s->why, s->why_size,
			       "must have at most %zu bytes", max_len(s->row));
		return EINVAL;
	}

	must = s->row->form ? s->row->form(text) : NULL;
	return must ? gw_config_refuse(s, must) : 0;
}

int gw_config_find_word(const struct gw_config_target *s, const char *text,
			size_t *ip)
{
	size_t i;

	for (i = 0; s->row->words[i]; i++) {
		/* PCMA and pcma are one codec (RFC 4855 3) */
		if (!strcasecmp(text, s->row->words[i])) {
			*ip = i;
			return 0;
		}
	}

	return refuse_word(s, text);
}

/* Scalars ---------------------------------------------------------------- */

static char *copy_string(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = mem_alloc(size, NULL);

	if (copy)
		memcpy(copy, text, size);

	return copy;
}

static int set_string(const struct gw_config_target *s)
{
	const char *text = gw_json_string(s->value);
	char **p = s->at, *copy;
	int err;

	if (!text)
		return gw_config_refuse_type(s, "a string");

	err = gw_config_check_string(s, text);
	if (err)
		return err;

	copy = copy_string(text);
	if (!copy)
		return ENOMEM;

	mem_deref(*p);
	*p = copy;
	return 0;
}

static int set_secret(const struct gw_config_target *s)
{
	const char *text = gw_json_string(s->value);
	struct gw_secret **p = s->at, *secret;
	int err;

	if (!text)
		return gw_config_refuse_type(s,
					     "a reference like \"env:NAME\"");
	if (!*text)
		return gw_config_refuse(s, "is empty");

	err = gw_secret_alloc(&secret, text);
	if (err)
		return err;

	mem_deref(*p);
	*p = secret;
	return 0;
}

static int whole_number(const struct gw_config_target *s, int64_t *vp)
{
	const struct gw_config_row *row = s->row;
	char must[80];

	if (!gw_json_int(vp, s->value, row->min, row->max))
		return 0;

	(void)snprintf(must, sizeof(must), "a whole number from %lld to %lld",
		       (long long)row->min, (long long)row->max);
	if (gw_json_type(s->value) != GW_JSON_NUMBER)
		return gw_config_refuse_type(s, must);

	(void)snprintf(s->why, s->why_size, "must be %s%s", must,
		       row->nullable ? " or null" : "");
	return EINVAL;
}

static int set_int(const struct gw_config_target *s)
{
	uint32_t *p = s->at;
	int64_t v;
	int err;

	err = whole_number(s, &v);
	if (!err)
		*p = (uint32_t)v;
	return err;
}

static int set_port(const struct gw_config_target *s)
{
	uint16_t *p = s->at;
	int64_t v;
	int err;

	err = whole_number(s, &v);
	if (!err)
		*p = (uint16_t)v;
	return err;
}

/* Which of the row's words the value is. */
static int which_word(const struct gw_config_target *s, size_t *ip)
{
	const char *text = gw_json_string(s->value);

	return text ? gw_config_find_word(s, text, ip) :
		      gw_config_refuse_type(s, "a string");
}

/* A copy of its own, for whoever walks through it later. */
static int set_tree(const struct gw_config_target *s)
{
	const bool object = s->row->type == GW_CONFIG_OBJECT;
	struct gw_json_doc **p = s->at, *doc;
	struct mbuf *mb;
	int err;

	if (gw_json_type(s->value) != (object ? GW_JSON_OBJECT : GW_JSON_ARRAY))
		return gw_config_refuse_type(
			s, object ? "an object in braces" :
				    "a list of objects in brackets");
	mb = mbuf_alloc(256);
	if (!mb)
		return ENOMEM;
	err = gw_json_print(mb, s->value);
	if (!err)
		err = gw_json_parse(&doc, (char *)mb->buf, mb->end, GW_JSON_API,
				    NULL);
	mem_deref(mb);
	if (err == EBADMSG)
		return gw_config_refuse(s, "cannot be read");
	if (err)
		return err;
	mem_deref(*p);
	*p = doc;
	return 0;
}

static int set_word(const struct gw_config_target *s)
{
	const char **p = s->at;
	size_t i;
	int err;

	err = which_word(s, &i);
	if (!err)
		*p = s->row->words[i];
	return err;
}

static int set_enum(const struct gw_config_target *s)
{
	unsigned *p = s->at;
	size_t i;
	int err;

	err = which_word(s, &i);
	if (!err)
		*p = (unsigned)i;
	return err;
}

static int set_bool(const struct gw_config_target *s)
{
	bool *p = s->at;
	size_t i;
	int err;

	if (!s->row->words)
		return gw_json_bool(p, s->value) ?
			       gw_config_refuse_type(s, "true or false") :
			       0;

	err = which_word(s, &i);
	if (!err)
		*p = i > 0;
	return err;
}

/* One to five digits, no leading zero. */
bool gw_config_read_port(const char *text, size_t len, uint16_t *portp)
{
	unsigned long v = 0;
	size_t i;

	if (!len || len > 5 || (len > 1 && *text == '0'))
		return false;

	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = 10 * v + (unsigned long)(text[i] - '0');
	}

	if (v > 65535)
		return false;
	*portp = (uint16_t)v;
	return true;
}

static int set_ports(const struct gw_config_target *s)
{
	const char *text = gw_json_string(s->value);
	uint16_t *p = s->at, low, high;
	size_t len;

	if (!text)
		return gw_config_refuse_type(s,
					     "a string like \"20000-40000\"");

	len = strcspn(text, "-");
	if (!text[len] || !gw_config_read_port(text, len, &low) ||
	    !gw_config_read_port(text + len + 1, strlen(text + len + 1), &high))
		return gw_config_refuse(
			s, "must be two ports, like \"20000-40000\"");
	if (low < 1024 || high < low + 1)
		return gw_config_refuse(
			s, "must begin at 1024 or above and hold at "
			   "least two ports");

	p[0] = low;
	p[1] = high;
	return 0;
}

/* Whether the value is the default, as JSON. */
static int is_default(const struct gw_config_target *s, bool *samep)
{
	const char *text = s->row->json_default;
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(64);
	if (!mb)
		return ENOMEM;

	err = gw_json_print(mb, s->value);
	if (!err)
		*samep = mb->end == strlen(text) &&
			 !memcmp(mb->buf, text, mb->end);
	explicit_bzero(mb->buf, mb->size); /* a secret may have been tried */
	mem_deref(mb);
	return err;
}

static int set_later(const struct gw_config_target *s)
{
	const char *text = s->row->json_default;
	bool same = false;
	int err;

	err = is_default(s, &same);
	if (err || same)
		return err;

	(void)snprintf(s->why, s->why_size,
		       "must be %s: this isn't built into this version yet",
		       text);
	return EINVAL;
}

/* All types -------------------------------------------------------------- */

static int (*const setters[])(const struct gw_config_target *s) = {
	[GW_CONFIG_STRING] = set_string,
	[GW_CONFIG_INT] = set_int,
	[GW_CONFIG_PORT] = set_port,
	[GW_CONFIG_BOOL] = set_bool,
	[GW_CONFIG_WORD] = set_word,
	[GW_CONFIG_ENUM] = set_enum,
	[GW_CONFIG_STRINGS] = gw_config_set_strings,
	[GW_CONFIG_HTTP_LISTENS] = gw_config_set_listens,
	[GW_CONFIG_SIP_LISTENS] = gw_config_set_listens,
	[GW_CONFIG_PORTS] = set_ports,
	[GW_CONFIG_SECRET] = set_secret,
	[GW_CONFIG_SECRETS] = gw_config_set_secrets,
	[GW_CONFIG_OBJECT] = set_tree,
	[GW_CONFIG_ARRAY] = set_tree,
	[GW_CONFIG_INTS] = gw_config_set_ints,
	[GW_CONFIG_LATER] = set_later,
};

int gw_config_value_set(const struct gw_config_row *row, void *base,
			const struct gw_json *value, char *why, size_t why_size)
{
	struct gw_config_target s = {
		.row = row,
		.at = (char *)base + row->offset,
		.value = value,
		.why = why,
		.why_size = why_size,
	};

	if (row->nullable && gw_json_type(value) == GW_JSON_NULL) {
		gw_config_value_reset(row, base);
		return 0;
	}

	return setters[row->type](&s);
}

int gw_config_value_default(const struct gw_config_row *row, void *base)
{
	struct gw_json_doc *doc;
	char why[256];
	int err;

	if (!row->json_default)
		return 0;

	err = gw_json_parse(&doc, row->json_default, strlen(row->json_default),
			    GW_JSON_API, NULL);
	if (err)
		return err;

	err = gw_config_value_set(row, base, gw_json_root(doc), why,
				  sizeof(why));
	mem_deref(doc);
	return err;
}

void gw_config_value_reset(const struct gw_config_row *row, void *base)
{
	char *at = (char *)base + row->offset;
	struct gw_config_strings *strings;
	struct gw_config_listens *listens;
	struct gw_config_secrets *secrets;
	struct gw_config_ints *ints;

	switch (row->type) {
	case GW_CONFIG_STRING:
	case GW_CONFIG_SECRET:
	case GW_CONFIG_OBJECT:
	case GW_CONFIG_ARRAY:
		*(void **)(void *)at = mem_deref(*(void **)(void *)at);
		break;

	case GW_CONFIG_WORD:
		*(const char **)(void *)at = NULL;
		break;

	case GW_CONFIG_STRINGS:
		strings = (void *)at;
		mem_deref((void *)(uintptr_t)strings->list);
		*strings = (struct gw_config_strings){ .list = NULL };
		break;

	case GW_CONFIG_SECRETS:
		secrets = (void *)at;
		mem_deref((void *)(uintptr_t)secrets->list);
		*secrets = (struct gw_config_secrets){ .list = NULL };
		break;

	case GW_CONFIG_HTTP_LISTENS:
	case GW_CONFIG_SIP_LISTENS:
		listens = (void *)at;
		mem_deref((void *)(uintptr_t)listens->list);
		*listens = (struct gw_config_listens){ .list = NULL };
		break;

	case GW_CONFIG_INTS:
		ints = (void *)at;
		mem_deref((void *)(uintptr_t)ints->list);
		*ints = (struct gw_config_ints){ .list = NULL };
		break;

	case GW_CONFIG_INT:
		*(uint32_t *)(void *)at = 0;
		break;

	case GW_CONFIG_PORT:
		*(uint16_t *)(void *)at = 0;
		break;

	case GW_CONFIG_BOOL:
	case GW_CONFIG_ENUM:
	case GW_CONFIG_PORTS:
	case GW_CONFIG_LATER:
		break; /* own no memory and are never null */
	}
}
