/* A call's page without scripts. See api_page.h. */
#include "server/api_page.h"

#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/http.h"

int gw_html_escape(struct mbuf *mb, const char *text)
{
	static const struct {
		char sign;
		const char *entity;
	} entities[] = {
		{ '&', "&amp;" },  { '<', "&lt;" },   { '>', "&gt;" },
		{ '"', "&quot;" }, { '\'', "&#39;" },
	};
	int err = 0;

	for (; *text && !err; text++) {
		size_t i = 0;

		while (i < ARRAY_SIZE(entities) && entities[i].sign != *text)
			i++;
		err = i < ARRAY_SIZE(entities) ?
			      mbuf_write_str(mb, entities[i].entity) :
			      mbuf_write_u8(mb, (uint8_t)*text);
	}
	return err;
}

static int fact(struct mbuf *mb, const char *name, const struct gw_json *value)
{
	const char *text = gw_json_string(value);
	int64_t number;
	int err;

	if (!text && gw_json_int(&number, value, 0, GW_JSON_INT_MAX))
		return 0; /* null: nothing to tell yet */
	err = mbuf_printf(mb, "<dt>%s</dt><dd>", name);
	err |= text ? gw_html_escape(mb, text) :
		      mbuf_printf(mb, "%lld", number);
	return err | mbuf_write_str(mb, "</dd>\n");
}

static int write_facts(struct mbuf *mb, const struct gw_json *call)
{
	static const struct {
		const char *name, *pointer;
	} facts[] = {
		{ "From", "/from" },
		{ "To", "/to" },
		{ "Line", "/line" },
		{ "Status", "/status" },
		{ "State", "/state" },
		{ "Asked for at", "/created_at" },
		{ "Ringing since", "/ringing_at" },
		{ "Answered at", "/answered_at" },
		{ "Ended at", "/ended_at" },
		{ "Seconds talked", "/duration" },
		{ "Cause", "/cause" },
		{ "Ended by", "/ended_by" },
		{ "SIP code", "/sip/code" },
		{ "SIP phrase", "/sip/reason" },
		{ "Id", "/id" },
	};
	const char *state = gw_json_string(gw_json_get(call, "state"));
	const char *id = gw_json_string(gw_json_get(call, "id"));
	size_t i;
	int err;

	err = mbuf_write_str(mb, "<dl class=\"facts\">\n");
	for (i = 0; i < ARRAY_SIZE(facts) && !err; i++)
		err = fact(mb, facts[i].name,
			   gw_json_find(call, facts[i].pointer));
	err |= mbuf_write_str(mb, "</dl>\n");
	if (!err && id && state && strcmp(state, "ended") != 0)
		err = mbuf_printf(
			mb,
			"<form method=\"post\" action=\"/calls/%s/hangup\">"
			"<button>Hang up</button></form>\n",
			id);
	return err ? err : mbuf_write_u8(mb, 0);
}

void gw_api_reply_call_page(struct gw_http_req *req, const struct mbuf *call)
{
	struct gw_json_doc *doc = NULL;
	struct mbuf *mb = mbuf_alloc(1024);
	int err = mb ? 0 : ENOMEM;

	err = err ? err :
		    gw_json_parse(&doc, (const char *)call->buf, call->end, 0,
				  NULL);
	err = err ? err : write_facts(mb, gw_json_root(doc));
	if (err)
		gw_http_problem(req, 503, "memory", NULL);
	else
		gw_http_page_fill(req, "/call.html", "<!--bellpull:call-->",
				  (const char *)mb->buf);
	mem_deref(doc);
	mem_deref(mb);
}
