/* Placing calls and ending them: read, act, reply. Reading them is in
 * api_read.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "server/api.h"
#include "server/api_read.h"
#include "server/api_twilio.h"
#include "server/call_id.h"
#include "server/http.h"
#include "server/idempotency_key.h"
#include "server/key.h"
#include "server/placing.h"
#include "server/quota.h"
#include "server/refusal.h"
#include "server/registry.h"
#include "server/sha256.h"
#include "server/webhook.h"
#include "server/writer.h"

/* Placing a call ------------------------------------------------------------ */

static void retry_after(struct gw_http_req *req, uint32_t seconds)
{
	(void)gw_http_headerf(req, "Retry-After", "%u", seconds ? seconds : 1);
}

/* Browsers go on to the call's own page. */
static void redirect_to_call(struct gw_http_req *req, const char *id)
{
	char location[64];

	(void)re_snprintf(location, sizeof(location), "/calls/%s", id);
	gw_http_redirect(req, 303, location);
}

/* For the audit: of the body as it came, for it may not have been looked at. */
static struct gw_refusal_order words_of(struct gw_http_req *req)
{
	const struct gw_json *body = gw_http_json(req);
	const struct gw_key *key = gw_http_key(req);
	const char *to = gw_json_string(gw_json_get(body, "to"));

	return (struct gw_refusal_order){
		.to = !to && key && key->click ? key->click->to : to,
		.from = gw_json_string(gw_json_get(body, "from")),
		.line = gw_json_string(gw_json_get(body, "line")),
	};
}

static void refuse_spent(struct gw_http_req *req)
{
	const struct gw_refusal_order words = words_of(req);
	struct gw_refusal r = { .audited = true };

	gw_refuse(&r, 401, "token_used",
		  "This click token has placed all the calls it may; get a new "
		  "one.");
	gw_refusal_tell(req, &r, &words);
}

/* The call with the answer to its browser's offer, which is a credential: it stands
 * in this reply and nowhere else. */
static int add_browser_answer(struct mbuf **bodyp, const struct mbuf *call,
			      const char *sdp)
{
	struct gw_writer w = { .err = ENOMEM };
	struct mbuf *mb = mbuf_alloc(call->end + strlen(sdp) + 256);

	if (mb && !mbuf_write_mem(mb, call->buf, call->end - 1)) {
		gw_writer_init(&w, mb);
		w.comma = true;
		gw_write_open(&w, "webrtc", '{');
		gw_write_string(&w, "sdp", sdp);
		gw_write_close(&w, '}');
		gw_write_close(&w, '}');
	}
	if (w.err)
		mem_deref(mb);
	else
		*bodyp = mb;
	return w.err;
}

static void reply_placed(struct gw_http_req *req,
			 const struct gw_order_placed *placed)
{
	const char *sdp = gw_registry_browser_answer(placed->id);
	struct mbuf *body = NULL;

	if (sdp && add_browser_answer(&body, placed->body, sdp)) {
		gw_http_problem(req, 503, "memory", NULL);
		return;
	}
	(void)gw_http_headerf(req, "Location", "/calls/%s", placed->id);
	gw_http_reply(req, 201, "application/json", body ? body : placed->body);
	mem_deref(body);
}

/* The answer to a POST, once the call is on disk. */
static void answer(const struct gw_order_placed *placed, void *arg)
{
	struct gw_http_req *req = arg;

	switch (placed->verdict) {
	case GW_PLACED_MISMATCH:
		gw_http_problem(
			req, 422, "idempotency_mismatch",
			"This Idempotency-Key came before with another body. Use a new "
			"key for a new call.");
		return;
	case GW_PLACED_FAILED:
		retry_after(req, 5);
		gw_http_problemf(
			req, 503, "storage",
			"The call could not be written to disk (%s); nothing was dialled.",
			strerror(placed->err));
		return;
	case GW_PLACED_DUPLICATE:
		/* the call that is on its way already, as it is now */
		(void)gw_http_header(req, "Deduplicated", "true");
		if (gw_http_accept(req) == GW_HTTP_HTML)
			redirect_to_call(req, placed->id);
		else {
			(void)gw_http_headerf(req, "Location", "/calls/%s",
					      placed->id);
			gw_api_reply_call(req, placed->id);
		}
		return;
	case GW_PLACED_SPENT:
		refuse_spent(req);
		return;
	case GW_PLACED_REPLAY:
		(void)gw_http_header(req, "Idempotent-Replayed", "true");
		break;
	case GW_PLACED_UNKNOWN:
	case GW_PLACED:
		break;
	}
	if (gw_http_accept(req) == GW_HTTP_HTML) {
		redirect_to_call(req, placed->id);
		return;
	}
	if (gw_api_is_twilio(req))
		gw_api_twilio_reply(req, 201, placed->body);
	else
		reply_placed(req, placed);
}

/* False: answered. */
static bool idempotency_key(struct gw_http_req *req,
			    char key[GW_IDEMPOTENCY_KEY_SIZE], bool *givenp)
{
	const char *text = gw_http_header_in(req, "Idempotency-Key");

	if (!text && gw_api_is_twilio(req))
		text = gw_http_header_in(req, "I-Twilio-Idempotency-Token");
	*givenp = text != NULL;
	if (!text) {
		if (!gw_http_config(req)->http.require_idempotency_key)
			return true;
		gw_http_problem(
			req, 400, "idempotency_key_missing",
			"This gateway wants an Idempotency-Key header with each call.");
		return false;
	}
	if (gw_idempotency_key_read(key, text))
		return true;
	gw_http_problem(
		req, 400, "idempotency_key_invalid",
		"An Idempotency-Key has 1 to 255 visible ASCII characters.");
	return false;
}

/* A POST that can't be a new call, and waits for what its key says. */
struct refused {
	struct gw_http_req *req;
	struct gw_refusal refusal;
	struct gw_refusal_order words; /* the request's own */
};

/* What was answered once is answered again, whatever counts now. */
static void recalled(const struct gw_order_placed *placed, void *arg)
{
	struct refused *r = arg;

	if (placed->verdict == GW_PLACED_UNKNOWN ||
	    placed->verdict == GW_PLACED_FAILED)
		gw_refusal_tell(r->req, &r->refusal, &r->words);
	else
		answer(placed, r->req);
	mem_deref(r);
}

/* One POST on its way. */
struct posted {
	struct gw_placing p;
	struct gw_refusal refusal;
	char key[GW_IDEMPOTENCY_KEY_SIZE];
	bool has_key;
	uint8_t sha256[32];
};

static void refuse(struct gw_http_req *req, const struct posted *post)
{
	const struct gw_refusal_order words = words_of(req);
	struct refused *r;

	r = post->has_key ? mem_zalloc(sizeof(*r), NULL) : NULL;
	if (!r) {
		gw_refusal_tell(req, &post->refusal, &words);
		return;
	}
	r->req = req;
	r->refusal = post->refusal;
	r->words = words;
	gw_http_later(req);
	if (gw_registry_recall(gw_http_key(req), post->key, post->sha256,
			       recalled, r)) {
		mem_deref(r);
		gw_refusal_tell(req, &post->refusal, &words);
	}
}

static void place(struct gw_http_req *req, struct posted *post,
		  struct gw_browser *browser)
{
	struct gw_quota_call counted;
	struct gw_placement placement;
	int err;

	gw_placing_placement(&post->p, &placement, &counted);
	placement.browser = browser;
	placement.idempotency_key = post->has_key ? post->key : NULL;
	placement.body_sha256 = post->sha256;
	err = gw_registry_place(&placement, answer, req);
	if (err == EINPROGRESS) {
		retry_after(req, 1);
		gw_http_problem(
			req, 409, "idempotency_running",
			"The first request with this Idempotency-Key is still under way.");
	} else if (err) {
		retry_after(req, 1);
		gw_http_problemf(req, 503, "internal",
				 "The call could not be taken: %s.",
				 strerror(err));
	}
}

/* A POST of a browser, which waits for its port. */
struct browsing {
	struct gw_http_req *req;
	struct posted post;
	struct gw_line *to_line, *from_line; /* referenced */
	struct gw_browser *browser;
};

static void browsing_destructor(void *arg)
{
	struct browsing *b = arg;

	mem_deref(b->to_line);
	mem_deref(b->from_line);
	mem_deref(b->browser);
}

static void no_port(struct gw_http_req *req, int err)
{
	retry_after(req, 5);
	if (err == EADDRINUSE)
		gw_http_problem(req, 503, "capacity",
				"No port of media.ports is free for the "
				"browser.");
	else
		gw_http_problemf(req, 503, "internal",
				 "The browser's port could not be opened: %s.",
				 strerror(err));
}

static void browser_ready(int err, void *arg)
{
	struct browsing *b = arg;

	if (err)
		no_port(b->req, err);
	else
		place(b->req, &b->post, b->browser);
	mem_deref(b);
}

static bool is_loopback(const char *address)
{
	struct sa sa;

	return address && !sa_set_str(&sa, address, 0) && sa_is_loopback(&sa);
}

/* The port has to be open before the answer names it, and the answer goes out with
 * the 201: so it is opened first, and closed again where there is no call. */
static void open_browser(struct gw_http_req *req, const struct posted *post)
{
	struct browsing *b = mem_zalloc(sizeof(*b), browsing_destructor);
	const bool is_from = post->p.from.is_browser;
	int err = ENOMEM;

	if (b) {
		b->req = req;
		b->post = *post;
		b->to_line = mem_ref(post->p.to.line);
		b->from_line = mem_ref(post->p.from.line);
		err = gw_registry_open_browser(
			&b->browser, is_from ? b->from_line : b->to_line,
			post->p.order.webrtc, is_loopback(post->p.client),
			browser_ready, b);
	}
	if (err) {
		mem_deref(b);
		no_port(req, err);
	}
}

/* What lines, rules and limits there are is not for the visitors of a page. */
static void dry_run(struct gw_http_req *req)
{
	struct gw_placing p = { .order = { .to = NULL } };
	const struct gw_key *key = gw_http_key(req);

	if (key && key->click)
		gw_http_problem(req, 403, "missing_scope",
				"A click token is for the calls it places, and "
				"for nothing else.");
	else if (gw_placing_read(&p, req))
		gw_placing_reply_dry_run(&p, req);
}

/* POST /policy/check: the same as a dry run, for those who look after it. */
void gw_api_check_policy(struct gw_http_req *req)
{
	dry_run(req);
}

/* The order as it is asked for. False: answered. */
static bool read_order(struct gw_http_req *req, struct gw_placing *p)
{
	const struct gw_placing_source src = {
		.cfg = gw_http_config(req),
		.body = gw_http_json(req),
		.from_form = gw_http_is_form(req),
		.key = gw_http_key(req),
		.client = gw_http_client(req),
	};

	if (!gw_api_is_twilio(req))
		return gw_placing_read(p, req);
	if (!gw_placing_check(p, &src)) {
		gw_api_twilio_wrong(req, &p->faults);
		return false;
	}
	p->order.status_callback_moments |= GW_WEBHOOK_TWILIO;
	return true;
}

/* 201 once the call is on disk; see answer(). */
void gw_api_place_call(struct gw_http_req *req)
{
	struct posted post = { .has_key = false };
	const uint8_t *body;
	size_t body_len;

	if (!idempotency_key(req, post.key, &post.has_key))
		return;
	body = gw_http_body(req, &body_len);
	if (post.has_key && gw_sha256(post.sha256, body, body_len)) {
		gw_http_problem(req, 503, "internal", NULL);
		return;
	}
	if (!gw_placing_admit(gw_http_config(req), gw_http_key(req),
			      &post.refusal))
		refuse(req, &post);
	else if (!read_order(req, &post.p))
		return;
	else if (!gw_placing_judge(&post.p, &post.refusal))
		refuse(req, &post);
	else {
		gw_http_later(req);
		if (post.p.order.webrtc)
			open_browser(req, &post);
		else
			place(req, &post, NULL);
	}
}

/* POST /calls */
void gw_api_create_call(struct gw_http_req *req)
{
	const char *dry = gw_http_query(req, "dry_run");

	if (dry && strcmp(dry, "0") != 0 && strcmp(dry, "1") != 0)
		gw_http_problem(req, 400, "invalid_query",
				"dry_run is 1 (say what would happen) or 0.");
	else if (dry && dry[0] == '1')
		dry_run(req);
	else
		gw_api_place_call(req);
}

/* Hanging up ---------------------------------------------------------------- */

void gw_api_hang_up(struct gw_http_req *req, const char *id)
{
	const char *waited;

	gw_http_later(req);
	/* one that has ended already is answered from the store: 200 again */
	(void)gw_registry_hangup(id, gw_http_key(req), &waited);
	if (waited && gw_api_reply_when_ended(req, id, waited))
		return;
	if (gw_http_accept(req) == GW_HTTP_HTML)
		redirect_to_call(req, id);
	else
		gw_api_reply_call(req, id);
}

void gw_api_hangup_call(struct gw_http_req *req)
{
	const char *id = gw_http_param(req, "id");

	if (!gw_call_id_valid(id)) {
		gw_api_no_such_call(req);
		return;
	}
	if (gw_json_count(gw_http_json(req))) {
		gw_http_problem_add(req, "", "hanging up takes no members");
		gw_http_problem(req, 422, "invalid_call",
				"The body was read, but it should be empty or "
				"{}; nothing was hung up.");
		return;
	}
	if (gw_api_is_as_expected(req))
		gw_api_hang_up(req, id);
}

void gw_api_delete_call(struct gw_http_req *req)
{
	gw_api_hangup_call(req);
}
