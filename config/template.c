/* See template.h. */
#include "config/template.h"

#include <errno.h>
#include <string.h>

#include <re_types.h>

bool gw_pointer_ok(const char *text, size_t len)
{
	size_t i;

	if (len && text[0] != '/')
		return false;
	for (i = 0; i < len; i++) {
		if (text[i] == '~' && (i + 1 == len || (text[i + 1] != '0' &&
							text[i + 1] != '1')))
			return false;
	}
	return true;
}

static bool is_country(const struct gw_template_filter *f)
{
	return f->arg_len == 2 && f->arg[0] >= 'A' && f->arg[0] <= 'Z' &&
	       f->arg[1] >= 'A' && f->arg[1] <= 'Z';
}

static const char *read_filter(struct gw_template_filter *f, const char *text,
			       size_t len)
{
	static const struct {
		const char *name;
		bool has_arg;
	} filters[] = {
		[GW_FILTER_TRIM] = { "trim", false },
		[GW_FILTER_DIGITS] = { "digits", false },
		[GW_FILTER_E164] = { "e164", true },
		[GW_FILTER_LOWER] = { "lower", false },
		[GW_FILTER_DEFAULT] = { "default", true },
		[GW_FILTER_LOOKUP] = { "lookup", true },
	};
	const char *colon = memchr(text, ':', len);
	const size_t name_len = colon ? (size_t)(colon - text) : len;
	size_t i = 0;

	while (i < ARRAY_SIZE(filters) &&
	       (strlen(filters[i].name) != name_len ||
		strncmp(filters[i].name, text, name_len) != 0))
		i++;
	if (i == ARRAY_SIZE(filters))
		return "must have filters that there are: trim, digits, "
		       "e164:DE, lower, default:x, lookup:table";
	f->kind = (enum gw_filter)i;
	f->arg = colon ? colon + 1 : "";
	f->arg_len = colon ? len - name_len - 1 : 0;
	if (filters[i].has_arg != (colon != NULL))
		return "must have e164, default and lookup with a colon and "
		       "what follows, and no other filter";
	if (f->kind == GW_FILTER_E164 && !is_country(f))
		return "must have e164 with a country of two capital letters: "
		       "e164:DE";
	return NULL;
}

/* What stands between ${ and }. */
static const char *read_value(struct gw_template_part *part, const char *text,
			      size_t len)
{
	const char *bar = memchr(text, '|', len), *end = text + len;
	const char *must = NULL;

	part->is_value = true;
	part->text = text;
	part->len = bar ? (size_t)(bar - text) : len;
	if (!gw_pointer_ok(part->text, part->len))
		return "must have a JSON pointer in ${}: ${/contact/phone}";
	while (bar && !must) {
		const char *from = bar + 1;

		bar = memchr(from, '|', (size_t)(end - from));
		if (part->filter_count == GW_TEMPLATE_FILTERS_MAX)
			return "must have at most eight filters in a row";
		must = read_filter(&part->filters[part->filter_count++], from,
				   (size_t)((bar ? bar : end) - from));
	}
	return must;
}

int gw_template_next(struct gw_template_part *part, const char **atp,
		     const char **whyp)
{
	const char *at = *atp, *end;

	*part = (struct gw_template_part){ .text = at };
	if (!*at)
		return ENOENT;
	if (!strncmp(at, "$${", 3)) {
		part->text = at + 1;
		part->len = 2;
		*atp = at + 3;
		return 0;
	}
	if (!strncmp(at, "${", 2)) {
		end = strchr(at, '}');
		*whyp = end ? read_value(part, at + 2, (size_t)(end - at - 2)) :
			      "must close each ${ with }";
		if (*whyp)
			return EINVAL;
		*atp = end + 1;
		return 0;
	}
	do {
		at++;
	} while (*at && strncmp(at, "${", 2) != 0 &&
		 strncmp(at, "$${", 3) != 0);
	part->len = (size_t)(at - part->text);
	*atp = at;
	return 0;
}

const char *gw_template_check(const char *text)
{
	struct gw_template_part part;
	const char *why = NULL;

	while (!gw_template_next(&part, &text, &why))
		;
	return why;
}
