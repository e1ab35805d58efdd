/* Placing calls and ending them: read, act, reply. Reading them is in
 * api_read.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "server/api.h"
#include "server/api_read.h"
#include "server/call_id.h"
#include "server/http.h"
#include "server/json.h"
#include "server/lines.h"
#include "server/policy.h"
#include "server/registry.h"
#include "server/sounds.h"
#include "server/writer.h"
#include "sip/address.h"
#include "sip/line.h"

enum { IDEMPOTENCY_KEY_MAX = 255 };

/* Placing a call ------------------------------------------------------------ */

/* What is looked at on the way from a body to a call. */
struct placing {
	struct gw_order_request order;
	struct gw_faults faults;
	struct gw_line *line;
	struct gw_address addr;
	struct gw_policy_verdict verdict;
};

static void refuse_faults(struct gw_http_req *req,
			  const struct gw_faults *faults)
{
	size_t i;

	for (i = 0; i < faults->count; i++)
		gw_http_problem_add(req, faults->list[i].pointer,
				    faults->list[i].detail);
	gw_http_problem(
		req, faults->controls ? 400 : 422, "invalid_call",
		"The body was read, but something in it is wrong; nothing was dialled.");
}

static void retry_after(struct gw_http_req *req, uint32_t seconds)
{
	(void)gw_http_headerf(req, "Retry-After", "%u", seconds ? seconds : 1);
}

/* Refuses before any work what could not be carried out now. */
static bool admitted(struct gw_http_req *req)
{
	uint32_t retry_s = 1;

	switch (gw_registry_admit(gw_http_key(req), &retry_s)) {
	case 0:
		return true;
	case ESHUTDOWN:
		retry_after(req, retry_s);
		gw_http_problem(
			req, 503, "draining",
			"The gateway is stopping and takes no new calls.");
		return false;
	case EUSERS:
		retry_after(req, retry_s);
		gw_http_problem(
			req, 429, "rate_limited",
			"More calls a second than limits.calls_per_s allows for one key.");
		return false;
	case ENOSPC:
		retry_after(req, retry_s);
		gw_http_problem(
			req, 503, "storage",
			"Calls can't be written to disk now, so none are taken.");
		return false;
	case EAGAIN:
		retry_after(req, retry_s);
		gw_http_problem(
			req, 503, "overloaded",
			"The gateway is behind with its work; what runs goes on.");
		return false;
	default:
		retry_after(req, retry_s);
		gw_http_problem(req, 503, "capacity",
				"As many calls are up as limits.calls allows.");
		return false;
	}
}

static bool is_caller_id_allowed(const char *number,
				 const struct gw_line_cfg *line,
				 const struct gw_config_key *key)
{
	size_t i;

	if (line->caller_number && !strcmp(line->caller_number, number))
		return true;
	for (i = 0; i < line->caller_id_count; i++)
		if (!strcmp(line->caller_ids[i], number))
			return true;
	for (i = 0; key && i < key->caller_ids.count; i++)
		if (!strcmp(key->caller_ids.list[i], number))
			return true;
	return false;
}

/* What the order says must fit its line: faults tells what does not. */
static void check_against_line(struct placing *p,
			       const struct gw_config_key *key)
{
	struct gw_dial_rules rules;
	const char *why = NULL;

	p->line = p->order.line ? gw_lines_find(p->order.line) :
				  gw_lines_default(key);
	if (p->line && !gw_lines_allowed(key, p->line))
		p->line = NULL;
	if (!p->line) {
		gw_fault(
			&p->faults, "/line", "%s",
			p->order.line ?
				"there is no line of this name; GET /lines lists them" :
				"there is no default line; name one of GET /lines");
		return;
	}

	gw_line_dial_rules(p->line, &rules);
	if (gw_address_parse(&p->addr, p->order.to, &rules, &why))
		gw_fault(&p->faults, "/to", "%s",
			 why ? why : "can't be dialled");
	if (p->order.caller_number &&
	    !is_caller_id_allowed(p->order.caller_number, gw_line_cfg(p->line),
				  key))
		gw_fault(&p->faults, "/caller_id/number",
			 "is not one of the line's or key's caller_ids");
	if (p->order.announce_play && !gw_sounds_find(p->order.announce_play))
		gw_fault(&p->faults, "/announce/play",
			 "there is no such WAV file in media.sounds");
	if (p->order.auto_answer && !gw_line_cfg(p->line)->auto_answer)
		gw_fault(
			&p->faults, "/auto_answer",
			"the line's auto_answer setting has to name the phones' header family");
}

/* Reads and checks the whole order. False: the request has been answered. */
static bool prepare(struct placing *p, struct gw_http_req *req)
{
	const struct gw_config *cfg = gw_http_config(req);
	const struct gw_config_key *key = gw_http_key(req);

	if (gw_json_read_order(&p->order, gw_http_json(req),
			       gw_http_is_form(req), &cfg->limits.headers,
			       &p->faults)) {
		refuse_faults(req, &p->faults);
		return false;
	}
	check_against_line(p, key);
	if (p->faults.count) {
		refuse_faults(req, &p->faults);
		return false;
	}
	p->verdict = gw_policy_check(&cfg->policy, &p->addr,
				     gw_lines_is_sandbox(p->line));
	return true;
}

static bool permitted(struct gw_http_req *req, const struct placing *p)
{
	if (p->verdict.allowed)
		return true;
	gw_http_problem_add(req, "/to", p->verdict.why);
	gw_http_problemf(req, 403, "policy_denied",
			 "The rule \"%s\" refuses this destination: %s.",
			 p->verdict.rule, p->verdict.why);
	return false;
}

/* A line that is full or down; when all are down, waiting may help. */
static bool line_usable(struct gw_http_req *req, const struct placing *p)
{
	struct gw_line_info info;
	uint32_t retry_s = 1;

	if (gw_lines_all_failed(&retry_s)) {
		retry_after(req, retry_s);
		gw_http_problem(req, 503, "lines_down",
				"No line is registered; GET /lines tells why.");
		return false;
	}
	gw_line_info(p->line, &info);
	if (gw_line_cfg(p->line)->max_calls &&
	    info.calls >= gw_line_cfg(p->line)->max_calls) {
		retry_after(req, 5);
		gw_http_problem(req, 503, "capacity",
				"The line has all the calls it may have.");
		return false;
	}
	return true;
}

/* ?dry_run=1: what would happen. Dials nothing, stores nothing. */
static void reply_dry_run(struct gw_http_req *req, const struct placing *p)
{
	const struct gw_line_cfg *line = gw_line_cfg(p->line);
	struct gw_registry_stats stats;
	struct gw_line_info info;
	struct gw_writer w = { .err = ENOMEM };
	struct mbuf *mb = mbuf_alloc(512);
	const char *number = p->order.caller_number ? p->order.caller_number :
						      line->caller_number;

	gw_registry_stats(&stats);
	gw_line_info(p->line, &info);
	if (mb) {
		gw_writer_init(&w, mb);
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "dry_run");
		gw_write_bool(&w, "allowed", p->verdict.allowed);
		gw_write_string(&w, "rule", p->verdict.rule);
		gw_write_string(&w, "detail", p->verdict.why);
		gw_write_string(&w, "to", p->order.to);
		gw_write_string(&w, "uri", p->addr.uri);
		gw_write_string(&w, "number",
				p->addr.number[0] ? p->addr.number : NULL);
		gw_write_string(&w, "line", info.name);
		gw_write_string(&w, "line_state",
				gw_line_state_name(info.state));
		gw_write_string(&w, "caller_id", number ? number : line->user);
		gw_write_int(&w, "calls_left",
			     stats.limit > stats.living ?
				     stats.limit - stats.living :
				     0);
		gw_write_close(&w, '}');
	}
	if (w.err)
		gw_http_problem(req, 503, "memory", NULL);
	else
		gw_http_reply(req, 200, "application/json", mb);
	mem_deref(mb);
}

/* Browsers go on to the call's own page. */
static void redirect_to_call(struct gw_http_req *req, const char *id)
{
	char location[64];

	(void)re_snprintf(location, sizeof(location), "/calls/%s", id);
	gw_http_redirect(req, 303, location);
}

/* The answer to a POST, once the call is on disk. */
static void placed(const struct gw_order_placed *placed, void *arg)
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
	case GW_PLACED_REPLAY:
		(void)gw_http_header(req, "Idempotent-Replayed", "true");
		break;
	case GW_PLACED:
		break;
	}
	if (gw_http_accept(req) == GW_HTTP_HTML) {
		redirect_to_call(req, placed->id);
		return;
	}
	(void)gw_http_headerf(req, "Location", "/calls/%s", placed->id);
	gw_http_reply(req, 201, "application/json", placed->body);
}

/* The key as given, quoted (a structured field) or bare. False: answered. */
static bool idempotency_key(struct gw_http_req *req,
			    char key[IDEMPOTENCY_KEY_MAX + 1], bool *givenp)
{
	const char *text = gw_http_header_in(req, "Idempotency-Key");
	size_t len, i;

	*givenp = text != NULL;
	if (!text) {
		if (!gw_http_config(req)->http.require_idempotency_key)
			return true;
		gw_http_problem(
			req, 400, "idempotency_key_missing",
			"This gateway wants an Idempotency-Key header with each call.");
		return false;
	}
	len = strlen(text);
	if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
		text++;
		len -= 2;
	}
	for (i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			len = 0;
	if (!len || len > IDEMPOTENCY_KEY_MAX) {
		gw_http_problem(
			req, 400, "idempotency_key_invalid",
			"An Idempotency-Key has 1 to 255 visible ASCII characters.");
		return false;
	}
	memcpy(key, text, len);
	key[len] = '\0';
	return true;
}

/* POST /calls: 201 once the call is on disk; see placed(). */
void gw_api_create_call(struct gw_http_req *req)
{
	const char *dry = gw_http_query(req, "dry_run");
	struct placing p = { .line = NULL };
	struct gw_placement placement;
	char key[IDEMPOTENCY_KEY_MAX + 1];
	uint8_t sha256[32];
	const uint8_t *body;
	size_t body_len;
	bool has_key;
	int err;

	if (dry && strcmp(dry, "0") != 0 && strcmp(dry, "1") != 0) {
		gw_http_problem(req, 400, "invalid_query",
				"dry_run is 1 (say what would happen) or 0.");
		return;
	}
	if (dry && dry[0] == '1') {
		if (prepare(&p, req))
			reply_dry_run(req, &p);
		return;
	}
	if (!admitted(req) || !idempotency_key(req, key, &has_key) ||
	    !prepare(&p, req) || !permitted(req, &p) || !line_usable(req, &p))
		return;

	body = gw_http_body(req, &body_len);
	if (has_key &&
	    !EVP_Digest(body, body_len, sha256, NULL, EVP_sha256(), NULL)) {
		gw_http_problem(req, 503, "internal", NULL);
		return;
	}
	placement = (struct gw_placement){
		.order = &p.order,
		.uri = p.addr.uri,
		.line = p.line,
		.key = gw_http_key(req),
		.idempotency_key = has_key ? key : NULL,
		.body_sha256 = sha256,
	};
	gw_http_later(req);
	err = gw_registry_place(&placement, placed, req);
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

/* Hanging up ---------------------------------------------------------------- */

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
	gw_http_later(req);
	/* one that has ended already is answered from the store: 200 again */
	(void)gw_registry_hangup(id, gw_http_key(req));
	if (gw_http_accept(req) == GW_HTTP_HTML)
		redirect_to_call(req, id);
	else
		gw_api_reply_call(req, id);
}

void gw_api_delete_call(struct gw_http_req *req)
{
	gw_api_hangup_call(req);
}
