/* Bodies: strict JSON, or a form turned into JSON.
 *
 * A form becomes one object of strings and is then read like any other body, so
 * that handlers know one kind of tree and errors one kind of pointer. `curl -d`
 * labels whatever it sends as a form: one that begins with `{` is JSON. */
#include <errno.h>
#include <string.h>

#include "server/http_inside.h"

enum { FORM_NAME_MAX = 64, FORM_FIELDS_MAX = 64 };

/* One decoded half of a field, in a buffer of its own: it may be a secret. */
static int decode(char **textp, const char *in, size_t len)
{
	char *text = mem_zalloc(len + 1, NULL);

	if (!text)
		return ENOMEM;
	if (!gw_http_percent_decode(text, in, len, true) ||
	    !gw_http_utf8_ok(text)) {
		mem_deref(text);
		return EBADMSG;
	}

	*textp = text;
	return 0;
}

static int print_decoded(struct mbuf *json, const char *in, size_t len)
{
	char *text = NULL;
	int err;

	err = decode(&text, in, len);
	if (err)
		return err;

	err = gw_json_print_string(json, text, strlen(text));
	explicit_bzero(text, len);
	mem_deref(text);

	return err;
}

static int print_field(struct mbuf *json, const char *field, size_t len,
		       const char **whyp)
{
	const char *const eq = memchr(field, '=', len);
	const size_t name_len = eq ? (size_t)(eq - field) : len;
	int err;

	if (!name_len || name_len > FORM_NAME_MAX ||
	    memchr(field, '[', name_len)) {
		*whyp = "a form field's name is empty, too long or has a"
			" bracket";
		return EBADMSG;
	}

	err = print_decoded(json, field, name_len);
	if (!err)
		err = mbuf_write_u8(json, ':');
	if (!err)
		err = print_decoded(json, eq ? eq + 1 : "",
				    eq ? len - name_len - 1 : 0);
	if (err == EBADMSG)
		*whyp = "a form field is not percent-encoded UTF-8";

	return err;
}

int gw_http_form_to_json(struct mbuf *json, const char *form, size_t len,
			 const char **whyp)
{
	size_t fields = 0;
	int err;

	err = mbuf_write_u8(json, '{');

	while (!err && len) {
		const char *const amp = memchr(form, '&', len);
		const size_t n = amp ? (size_t)(amp - form) : len;

		if (n && fields == FORM_FIELDS_MAX) {
			*whyp = "the form has too many fields";
			return EBADMSG;
		}
		if (n) {
			if (fields++)
				err = mbuf_write_u8(json, ',');
			if (!err)
				err = print_field(json, form, n, whyp);
		}
		form += n + (amp ? 1 : 0);
		len -= n + (amp ? 1 : 0);
	}

	return err ? err : mbuf_write_u8(json, '}');
}

static bool refuse_json(struct gw_http_req *req,
			const struct gw_json_error *error)
{
	char detail[256];

	(void)re_snprintf(detail, sizeof(detail), "%s, at byte %zu",
			  error->text, error->offset);
	gw_http_problem_add(req, error->pointer, detail);
	gw_http_problemf(req, 400, "invalid_body",
			 req->body_form ?
				 "the form cannot be read: %s" :
				 "the body is not the JSON that is read here:"
				 " %s, at byte %zu",
			 error->text, error->offset);
	return false;
}

static bool parse(struct gw_http_req *req, const char *text, size_t len)
{
	struct gw_json_error error;
	int err;

	err = gw_json_parse(&req->doc, text, len, GW_JSON_EXACT, &error);
	if (!err)
		return true;
	if (err == EBADMSG)
		return refuse_json(req, &error);

	gw_http_problem(req, 503, "memory", "out of memory");
	return false;
}

static bool parse_form(struct gw_http_req *req)
{
	const char *const form = (const char *)req->body->buf;
	struct mbuf *json = mbuf_alloc(req->body->end + 64);
	const char *why = NULL;
	bool done = false;
	int err;

	err = json ? gw_http_form_to_json(json, form, req->body->end, &why) :
		     ENOMEM;
	if (!err)
		done = parse(req, (const char *)json->buf, json->end);
	else if (err == EBADMSG)
		gw_http_problem(req, 400, "invalid_body", why);
	else
		gw_http_problem(req, 503, "memory", "out of memory");

	if (json && json->buf)
		explicit_bzero(json->buf, json->size);
	mem_deref(json);

	return done;
}

static bool looks_like_json(const struct mbuf *body)
{
	for (size_t i = 0; i < body->end; i++) {
		if (!strchr(" \t\r\n", body->buf[i]))
			return body->buf[i] == '{';
		if (!body->buf[i])
			return false;
	}

	return false;
}

bool gw_http_body_parse(struct gw_http_req *req)
{
	if (!req->body || !(req->body_json || req->body_form)) {
		if (!(req->match.flags & (GW_ROUTE_JSON | GW_ROUTE_FORM)) ||
		    (req->match.flags & GW_ROUTE_BODY_OPTIONAL))
			return true;
		gw_http_problem(req, 400, "body_missing",
				"a body is needed: JSON or a form");
		return false;
	}
	if (req->match.flags & GW_ROUTE_TWILIO)
		return true;

	if (req->body_form && looks_like_json(req->body)) {
		req->body_form = false;
		req->body_json = true;
	}

	return req->body_form ?
		       parse_form(req) :
		       parse(req, (const char *)req->body->buf, req->body->end);
}
