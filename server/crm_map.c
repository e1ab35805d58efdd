/* See crm_map.h. What is mapped is printed as JSON and read again by the strict
 * reader: then the order that a webhook makes is one that could have been posted. */
#include "server/crm_map.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "config/template.h"
#include "server/json.h"
#include "sip/address.h"

int gw_crm_text(struct mbuf *mb, const struct gw_json *value)
{
	size_t len;
	const char *text = gw_json_string_len(value, &len);

	switch (gw_json_type(value)) {
	case GW_JSON_STRING:
		return mbuf_write_mem(mb, (const uint8_t *)text, len);
	case GW_JSON_NUMBER:
	case GW_JSON_BOOL:
		mb->pos = mb->end;
		return gw_json_print(mb, value);
	case GW_JSON_NONE:
	case GW_JSON_NULL:
		return ENOENT;
	case GW_JSON_ARRAY:
	case GW_JSON_OBJECT:
		break;
	}
	return EINVAL;
}

/* Conditions ---------------------------------------------------------------- */

/* As texts: a form says "5" where JSON says 5. */
static bool same_text(const struct gw_json *a, const struct gw_json *b)
{
	struct mbuf *x = mbuf_alloc(64), *y = mbuf_alloc(64);
	const bool same = x && y && !gw_crm_text(x, a) && !gw_crm_text(y, b) &&
			  x->end == y->end &&
			  (!x->end || !memcmp(x->buf, y->buf, x->end));

	mem_deref(x);
	mem_deref(y);
	return same;
}

static bool is_one_of(const struct gw_json *value, const struct gw_json *list)
{
	const struct gw_json *one = gw_json_first(list);

	while (one && !same_text(value, one))
		one = gw_json_next(one);
	return one != NULL;
}

static bool has_prefix(const struct gw_json *value, const char *prefix)
{
	struct mbuf *text = mbuf_alloc(64);
	const size_t len = strlen(prefix);
	const bool has = text && !gw_crm_text(text, value) &&
			 text->end >= len &&
			 (!len || !memcmp(text->buf, prefix, len));

	mem_deref(text);
	return has;
}

static bool holds(const struct gw_json *c, const struct gw_json *tree)
{
	const struct gw_json *value =
		gw_json_find(tree, gw_json_string(gw_json_get(c, "ptr")));
	const bool exists = value && gw_json_type(value) != GW_JSON_NULL;
	const char *prefix = gw_json_string(gw_json_get(c, "prefix"));
	bool wanted;

	if (!gw_json_bool(&wanted, gw_json_get(c, "exists")))
		return exists == wanted;
	if (prefix)
		return has_prefix(value, prefix);
	if (gw_json_get(c, "in"))
		return is_one_of(value, gw_json_get(c, "in"));
	return same_text(value, gw_json_get(c, "equals"));
}

bool gw_crm_holds(const struct gw_json *when, const struct gw_json *value)
{
	const struct gw_json *c = gw_json_first(when);

	while (c && holds(c, value))
		c = gw_json_next(c);
	return !c;
}

/* Lists --------------------------------------------------------------------- */

int gw_crm_count(size_t *countp, const struct gw_json *tree, const char *each,
		 struct gw_faults *faults)
{
	const struct gw_json *list = gw_json_find(tree, each ? each : "");

	if (!list) {
		gw_fault(faults, each,
			 "is missing: the hook's each looks for calls there");
		return EINVAL;
	}
	*countp = 1;
	if (!each || gw_json_type(list) != GW_JSON_ARRAY)
		return 0;
	*countp = gw_json_count(list);
	if (*countp <= GW_CRM_EACH_MAX)
		return 0;
	gw_fault(faults, each, "has more than %d elements", GW_CRM_EACH_MAX);
	return EINVAL;
}

const struct gw_json *gw_crm_element(const struct gw_json *tree,
				     const char *each, size_t i)
{
	const struct gw_json *list = gw_json_find(tree, each ? each : "");
	const struct gw_json *one;

	if (!each || gw_json_type(list) != GW_JSON_ARRAY)
		return list;
	one = gw_json_first(list);
	while (i-- && one)
		one = gw_json_next(one);
	return one;
}

/* Filters ------------------------------------------------------------------- */

/* A text on its way through filters. */
struct piece {
	char text[GW_CRM_TEXT_MAX + 1];
	bool missing;
};

static const char *take(struct piece *p, const char *text, size_t len)
{
	if (len > GW_CRM_TEXT_MAX)
		return "is too long";
	memmove(p->text, text, len);
	p->text[len] = '\0';
	p->missing = false;
	return NULL;
}

static void trim(struct piece *p)
{
	const char *from = p->text + strspn(p->text, " \t\r\n");
	size_t len = strlen(from);

	while (len && strchr(" \t\r\n", from[len - 1]))
		len--;
	(void)take(p, from, len);
}

static void only_digits(struct piece *p)
{
	const char *in = p->text;
	char *out = p->text;

	for (; *in; in++)
		if (isdigit((unsigned char)*in) ||
		    (*in == '+' && out == p->text))
			*out++ = *in;
	*out = '\0';
}

/* People write (030) 1234-567, and +49 (0)30 for a 0 that isn't dialled from abroad. */
static void without_separators(char *text)
{
	char *zero = *text == '+' ? strstr(text, "(0)") : NULL;
	char *out = text;

	if (zero)
		memmove(zero, zero + 3, strlen(zero + 3) + 1);
	for (; *text; text++)
		if (!strchr(" -./()\t", *text))
			*out++ = *text;
	*out = '\0';
}

static const char *e164(struct piece *p, const struct gw_template_filter *f)
{
	const char country[] = { f->arg[0], f->arg[1], '\0' };
	const struct gw_dial_rules rules = { .country = country,
					     .domain = "localhost" };
	struct gw_address addr;
	const char *why = NULL;

	trim(p);
	without_separators(p->text);
	if (gw_address_parse(&addr, p->text, &rules, &why) ||
	    addr.number[0] != '+')
		return "is no telephone number that e164 could read";
	return take(p, addr.number, strlen(addr.number));
}

static const char *lookup(struct piece *p, const struct gw_template_filter *f,
			  const struct gw_json *tables)
{
	char name[65];
	const char *found;

	(void)snprintf(name, sizeof(name), "%.*s", (int)f->arg_len, f->arg);
	found = gw_json_string(gw_json_get(gw_json_get(tables, name), p->text));
	p->missing = !found;
	return found ? take(p, found, strlen(found)) : NULL;
}

/* NULL: done; else why it can't be. */
static const char *filter(struct piece *p, const struct gw_template_filter *f,
			  const struct gw_json *tables)
{
	if (f->kind == GW_FILTER_DEFAULT)
		return p->missing || !p->text[0] ? take(p, f->arg, f->arg_len) :
						   NULL;
	if (p->missing)
		return NULL;
	switch (f->kind) {
	case GW_FILTER_TRIM:
		trim(p);
		break;
	case GW_FILTER_DIGITS:
		only_digits(p);
		break;
	case GW_FILTER_LOWER:
		for (char *c = p->text; *c; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
		break;
	case GW_FILTER_E164:
		return p->text[0] ? e164(p, f) : NULL;
	case GW_FILTER_LOOKUP:
		return lookup(p, f, tables);
	case GW_FILTER_DEFAULT:
		break;
	}
	return NULL;
}

/* Templates ----------------------------------------------------------------- */

struct mapping {
	const struct gw_json *value, *tables;
	struct gw_faults *faults;
	char where[GW_JSON_POINTER_SIZE]; /* in the order */
	struct piece piece;
};

static int fetch(struct mapping *m, const char *pointer, const char **whyp)
{
	struct mbuf *mb = mbuf_alloc(64);
	int err = mb ? gw_crm_text(mb, gw_json_find(m->value, pointer)) :
		       ENOMEM;

	m->piece.text[0] = '\0';
	m->piece.missing = err == ENOENT;
	if (err == EINVAL)
		*whyp = "is a list or an object, not a text";
	else if (!err)
		*whyp = take(&m->piece, (const char *)mb->buf, mb->end);
	mem_deref(mb);
	return err == ENOMEM ? err : 0;
}

static int map_value(struct mbuf *mb, struct mapping *m,
		     const struct gw_template_part *part)
{
	char pointer[GW_JSON_POINTER_SIZE];
	const char *why = NULL;
	int err;

	(void)snprintf(pointer, sizeof(pointer), "%.*s", (int)part->len,
		       part->text);
	err = fetch(m, pointer, &why);
	for (size_t i = 0; !err && !why && i < part->filter_count; i++)
		why = filter(&m->piece, &part->filters[i], m->tables);
	if (!err && !why && m->piece.missing)
		why = "is missing";
	if (why)
		gw_fault(m->faults, pointer, "%s: the call's %s wants it", why,
			 m->where);
	if (err || why)
		return err ? err : EINVAL;
	return mbuf_write_str(mb, m->piece.text);
}

static int map_text(struct mbuf *mb, struct mapping *m, const char *text)
{
	struct gw_template_part part;
	const char *why = NULL;
	int err = 0;

	while (!err && !gw_template_next(&part, &text, &why))
		err = part.is_value ?
			      map_value(mb, m, &part) :
			      mbuf_write_mem(mb, (const uint8_t *)part.text,
					     part.len);
	if (!err && why)
		err = EINVAL;
	if (!err && mb->end > GW_CRM_TEXT_MAX) {
		gw_fault(m->faults, m->where, "is too long");
		err = EINVAL;
	}
	return err;
}

int gw_crm_template(struct mbuf *mb, const char *text,
		    const struct gw_json *value, const struct gw_json *tables,
		    const char *where, struct gw_faults *faults)
{
	struct mapping *m = mem_zalloc(sizeof(*m), NULL);
	int err;

	if (!m)
		return ENOMEM;
	m->value = value;
	m->tables = tables;
	m->faults = faults;
	(void)str_ncpy(m->where, where, sizeof(m->where));
	err = map_text(mb, m, text);
	mem_deref(m);
	return err;
}

/* The order ------------------------------------------------------------------ */

static int print_text(struct mbuf *json, struct mapping *m, const char *text)
{
	struct mbuf *mb = mbuf_alloc(64);
	int err = mb ? map_text(mb, m, text) : ENOMEM;

	if (!err)
		err = gw_json_print_string(json, (const char *)mb->buf,
					   mb->end);
	mem_deref(mb);
	return err;
}

static int print(struct mbuf *json, struct mapping *m,
		 const struct gw_json *what);

/* The depth was bounded when the settings were read. All that is missing is told,
 * not only the first. */
static int print_members(struct mbuf *json, struct mapping *m,
			 const struct gw_json *what, bool object)
{
	const size_t len = strlen(m->where);
	const struct gw_json *inner = gw_json_first(what);
	int err = mbuf_write_u8(json, object ? '{' : '['), one;

	for (; inner && err != ENOMEM; inner = gw_json_next(inner)) {
		const char *name = gw_json_name(inner);

		one = inner != gw_json_first(what) ? mbuf_write_u8(json, ',') :
						     0;
		if (!one && object) {
			(void)gw_json_pointer_add(m->where, sizeof(m->where),
						  name);
			one = gw_json_print_string(json, name, strlen(name));
			one = one ? one : mbuf_write_u8(json, ':');
		}
		one = one ? one : print(json, m, inner);
		m->where[len] = '\0';
		err = one ? one : err;
	}
	return err ? err : mbuf_write_u8(json, object ? '}' : ']');
}

static int print(struct mbuf *json, struct mapping *m,
		 const struct gw_json *what)
{
	switch (gw_json_type(what)) {
	case GW_JSON_STRING:
		return print_text(json, m, gw_json_string(what));
	case GW_JSON_OBJECT:
		return print_members(json, m, what, true);
	case GW_JSON_ARRAY:
		return print_members(json, m, what, false);
	default:
		json->pos = json->end;
		return gw_json_print(json, what);
	}
}

int gw_crm_map(struct gw_json_doc **orderp, const struct gw_config_hook *hook,
	       const struct gw_json *value, struct gw_faults *faults)
{
	struct mapping *m = mem_zalloc(sizeof(*m), NULL);
	struct mbuf *json = mbuf_alloc(512);
	struct gw_json_error error;
	int err = m && json ? 0 : ENOMEM;

	if (!err) {
		m->value = value;
		m->tables = gw_json_root(hook->tables);
		m->faults = faults;
		err = print(json, m, gw_json_root(hook->mapping));
	}
	if (!err)
		err = gw_json_parse(orderp, (const char *)json->buf, json->end,
				    GW_JSON_EXACT, &error);
	if (err == EBADMSG) {
		gw_fault(faults, error.pointer, "%s", error.text);
		err = EINVAL;
	}
	mem_deref(json);
	mem_deref(m);
	return err;
}
