/* What the members of a body are read with: texts, seconds, booleans, objects,
 * and the fault that says where and why not. See json.h. */
#include "server/json_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void gw_fault(struct gw_faults *faults, const char *pointer, const char *fmt,
	      ...)
{
	va_list ap;

	if (faults->count >= GW_FAULTS_MAX)
		return;
	str_ncpy(faults->list[faults->count].pointer, pointer,
		 sizeof(faults->list[0].pointer));
	va_start(ap, fmt);
	(void)re_vsnprintf(faults->list[faults->count].detail,
			   sizeof(faults->list[0].detail), fmt, ap);
	va_end(ap);
	faults->count++;
}

/* Control characters have no business in what goes into SIP headers; in
 * client_state and metadata they are the caller's own matter. */
static bool has_controls(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

const char *gw_json_sip_text(struct gw_json_reader *r, const char *text)
{
	if (!text || !has_controls(text))
		return text;
	r->faults->controls = true;
	GW_WRONG(
		r,
		"has a control character (such as CR or LF), which could forge "
		"a SIP header");
	return NULL;
}

const char *gw_json_read_text(struct gw_json_reader *r,
			      const struct gw_json *value, size_t max)
{
	size_t len;
	const char *text = gw_json_string_len(value, &len);

	if (!text)
		GW_WRONG(r, "must be a string");
	else if (!len)
		GW_WRONG(r, "must not be empty");
	else if (len > max) {
		GW_WRONG(r, "is longer than %zu bytes", max);
		text = NULL;
	}
	return len ? text : NULL;
}

/* Whole seconds; a form has them as text. */
void gw_json_read_seconds(struct gw_json_reader *r, const struct gw_json *value,
			  uint32_t *secondsp, int64_t min, int64_t max)
{
	const char *text = r->from_form ? gw_json_string(value) : NULL;
	int64_t v = 0;
	int err;

	if (text) {
		char *end;

		v = strtoll(text, &end, 10);
		err = (*end || end == text || strlen(text) > 10) ? EINVAL :
		      (v < min || v > max)                       ? ERANGE :
								   0;
	} else {
		err = gw_json_int(&v, value, min, max);
	}
	if (err)
		GW_WRONG(r, "must be a whole number from %lld to %lld", min,
			 max);
	else
		*secondsp = (uint32_t)v;
}

void gw_json_read_bool(struct gw_json_reader *r, const struct gw_json *value,
		       bool *boolp)
{
	const char *text = r->from_form ? gw_json_string(value) : NULL;

	if (text && (!strcmp(text, "true") || !strcmp(text, "on") ||
		     !strcmp(text, "1")))
		*boolp = true;
	else if (text && (!strcmp(text, "false") || !strcmp(text, "0")))
		*boolp = false;
	else if (gw_json_bool(boolp, value))
		GW_WRONG(r, "must be true or false");
}

/* Calls f with the pointer one step deeper. */
static void deeper(struct gw_json_reader *r, const char *name,
		   const struct gw_json *v,
		   void (*f)(struct gw_json_reader *r, const char *name,
			     const struct gw_json *v))
{
	const size_t len = strlen(r->pointer);

	(void)gw_json_pointer_add(r->pointer, sizeof(r->pointer), name);
	f(r, name, v);
	r->pointer[len] = '\0';
}

void gw_json_read_members(struct gw_json_reader *r,
			  const struct gw_json *object,
			  void (*f)(struct gw_json_reader *r, const char *name,
				    const struct gw_json *v))
{
	const struct gw_json *v;

	if (gw_json_type(object) != GW_JSON_OBJECT) {
		GW_WRONG(r, "must be an object");
		return;
	}
	for (v = gw_json_first(object); v; v = gw_json_next(v))
		deeper(r, gw_json_name(v), v, f);
}

int gw_json_read_word(struct gw_json_reader *r, const struct gw_json *value,
		      const char *const *words)
{
	const char *text = gw_json_string(value);
	char known[128];
	size_t len = 0;
	int i;

	for (i = 0; text && words[i]; i++)
		if (!strcmp(words[i], text))
			return i;
	for (i = 0; words[i] && len < sizeof(known); i++)
		len += (size_t)re_snprintf(known + len, sizeof(known) - len,
					   "%s\"%s\"", i ? ", " : "", words[i]);
	GW_WRONG(r, "must be one of %s", known);
	return -1;
}

void gw_json_read_role(struct gw_json_reader *r, const struct gw_json *value,
		       int *rolep)
{
	static const char *const words[] = { "from", "to", NULL };
	const int word = gw_json_read_word(r, value, words);

	if (word >= 0)
		*rolep = word ? GW_ROLE_TO : GW_ROLE_FROM;
}

const char *gw_json_read_digits(struct gw_json_reader *r,
				const struct gw_json *value,
				const char *allowed, size_t max)
{
	const char *text = gw_json_read_text(r, value, max);

	if (!text || !text[strspn(text, allowed)])
		return text;
	GW_WRONG(r, "may have these characters only: %s", allowed);
	return NULL;
}
