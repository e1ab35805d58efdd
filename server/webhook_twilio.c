/* A delivery in Twilio's words: the form of twilio_callback.c, posted, or behind the URL
 * of who wants to be asked by GET; and signed as Twilio signs. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/events.h"
#include "server/twilio.h"
#include "server/webhook_impl.h"

/* The fields go to the end of req->made. */
static int write_fields(struct gw_webhook_request *req,
			const struct gw_json *event, const char *project)
{
	const bool get = gw_twilio_is_get(event);
	int err = 0;

	if (get)
		err = mbuf_printf(req->made, "%s%c", req->url,
				  strchr(req->url, '?') ? '&' : '?');
	err = err ? err : gw_twilio_callback(req->made, event, project);
	if (!get) {
		req->body = (const char *)req->made->buf;
		req->body_len = req->made->end;
		return err;
	}
	err = err ? err : mbuf_write_u8(req->made, '\0');
	req->url = (const char *)req->made->buf;
	return err;
}

static int make(struct gw_webhook_request *req, const struct gw_event *ev)
{
	struct gw_json_doc *doc = NULL;
	int err;

	req->made = mbuf_alloc(512);
	if (!req->made)
		return ENOMEM;
	err = gw_json_parse(&doc, ev->json, ev->json_len, 0, NULL);
	err = err ? err : write_fields(req, gw_json_root(doc), ev->project);
	mem_deref(doc);
	return err;
}

static int sign(struct gw_webhook_request *req, const char *token)
{
	char signature[GW_TWILIO_SIGNATURE_SIZE];
	const int err = gw_twilio_sign(signature, token, req->url,
				       req->body ? req->body : "",
				       req->body_len);

	return err ? err :
		     re_sdprintf(&req->headers[2], "X-Twilio-Signature: %s",
				 signature);
}

int gw_webhook_twilio(struct gw_webhook_request *req,
		      const struct gw_webhook_endpoint *ep,
		      const struct gw_event *ev, const char *id)
{
	static const char type[] = "Content-Type: "
				   "application/x-www-form-urlencoded; "
				   "charset=UTF-8";
	const char *secrets[8];
	int err = make(req, ev);

	if (!err && req->body)
		err = str_dup(&req->headers[0], type);
	err = err ? err :
		    re_sdprintf(&req->headers[1],
				"I-Twilio-Idempotency-Token: %s", id);
	if (!err && gw_webhook_secrets(ep, secrets))
		err = sign(req, secrets[0]);
	return err;
}
