/* Which of the three a body is, and its tree: see crm_tree.h. */
#include "server/crm_tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <re.h>

#include "config/json.h"

static char first_sign(const uint8_t *body, size_t len)
{
	size_t i = 0;

	while (i < len && body[i] && strchr(" \t\r\n", body[i]))
		i++;
	return i < len ? (char)body[i] : '\0';
}

static bool ends_with(const char *type, size_t len, const char *suffix)
{
	const size_t n = strlen(suffix);

	return len >= n && !strncasecmp(type + len - n, suffix, n);
}

enum gw_crm_kind gw_crm_kind(const char *content_type, const uint8_t *body,
			     size_t len)
{
	const char first = first_sign(body, len);
	const char *type = content_type ? content_type : "";
	const size_t n = strcspn(type, "; \t");

	if (ends_with(type, n, "/json") || ends_with(type, n, "+json"))
		return GW_CRM_JSON;
	if (ends_with(type, n, "/xml") || ends_with(type, n, "+xml"))
		return GW_CRM_XML;
	if (ends_with(type, n, "/x-www-form-urlencoded"))
		return first == '{' ? GW_CRM_JSON : GW_CRM_FORM;
	if (!len || first == '{' || first == '[')
		return GW_CRM_JSON;
	return first == '<' ? GW_CRM_XML : GW_CRM_OTHER;
}

static int read_json(struct gw_json_doc **docp, const char *text, size_t len,
		     char why[GW_CRM_WHY_SIZE])
{
	struct gw_json_error error;
	const int err = gw_json_parse(docp, text, len, GW_JSON_EXACT, &error);

	if (err == EBADMSG)
		(void)snprintf(why, GW_CRM_WHY_SIZE, "%s, at byte %zu",
			       error.text, error.offset);
	return err;
}

int gw_crm_tree(struct gw_json_doc **docp, enum gw_crm_kind kind,
		const uint8_t *body, size_t len, char why[GW_CRM_WHY_SIZE])
{
	const char *text = (const char *)body;
	struct mbuf *json;
	int err;

	if (!len)
		return read_json(docp, "{}", 2, why);
	if (kind == GW_CRM_JSON)
		return read_json(docp, text, len, why);
	json = mbuf_alloc(len + len / 2 + 64);
	if (!json)
		return ENOMEM;
	err = kind == GW_CRM_FORM ? gw_crm_form_to_json(json, text, len, why) :
				    gw_crm_xml_to_json(json, text, len, why);
	if (!err)
		err = read_json(docp, (const char *)json->buf, json->end, why);
	if (json->buf)
		explicit_bzero(json->buf,
			       json->size); /* a token may be in it */
	mem_deref(json);
	return err;
}
